//! Changing what is published while it is in use.
//!
//! Owns: which sockets stay, which come and which go, and putting everything back after a failure. Must never give
//! up a port that both the old and the new publication have.

use crate::occupancy::Occupancy;
use crate::plan::Coverage;
use crate::publish::{Pending, lock};
use crate::{Binder, Book, Context, Error, Holding, Published, Reservation};
use pontoon_types::PortBinding;
use std::sync::Mutex;

/// A change that failed: the owner has what it had before.
#[derive(Debug)]
pub struct Unchanged<H> {
    /// Why.
    pub error: Error,
    /// What the owner still has.
    pub current: Published<H>,
    /// Ports that had to be let go for the change and were taken by another program meanwhile. They are still the
    /// owner's in the book, but no socket keeps them.
    pub lost: Vec<Reservation>,
}

/// Publishes `bindings` in place of `current`. What both have in common is not touched, and ephemeral ports stay what
/// they are. New ports are bound before old ones are let go, save for old ones that are in the way of new ones (say
/// `0.0.0.0:80` of `127.0.0.1:80`): those go first and are bound again if the change fails.
pub fn change_with<B: Binder>(
    book: &Mutex<Book>,
    binder: &B,
    owner: &str,
    current: Published<B::Held>,
    bindings: &[PortBinding],
    context: &Context<'_>,
) -> Result<Published<B::Held>, Box<Unchanged<B::Held>>> {
    let planned = lock(book).plan_change(owner, bindings, context);
    let mut pending = match planned {
        Ok(plan) => Pending::new(book, plan),
        Err(error) => return Err(Box::new(Unchanged { error, current, lost: Vec::new() })),
    };
    let Published { mappings, held, skipped } = current;
    let Split { staying, leaving, in_the_way } = split(held, &pending);
    let bound = Coverage::of(reservations(&staying));
    let let_go: Vec<Vec<Reservation>> = in_the_way.into_iter().map(|holding| holding.reservations).collect();
    let missing = |wanted: Vec<Reservation>| wanted.iter().flat_map(|wanted| bound.gaps(wanted)).collect();
    match pending.bind(binder, context, missing) {
        Ok(new) => {
            let wanted = wanted(&pending);
            let (mappings, skipped) = pending.commit();
            // A retry may have moved a group away from ports that were to stay.
            let mut held: Vec<_> = staying.into_iter().filter(|holding| is_wanted(holding, &wanted)).collect();
            held.extend(new);
            Ok(Published { mappings, held, skipped })
        }
        Err(error) => {
            drop(pending);
            let mut held: Vec<_> = staying.into_iter().chain(leaving).collect();
            let lost = bind_again(binder, let_go, &mut held);
            let current = Published { mappings, held, skipped };
            Err(Box::new(Unchanged { error, current, lost }))
        }
    }
}

/// What becomes of the sockets an owner has.
struct Split<H> {
    /// Wanted in full by the new publication.
    staying: Vec<Holding<H>>,
    /// To be let go once the new ones are bound.
    leaving: Vec<Holding<H>>,
    /// To be let go before.
    in_the_way: Vec<Holding<H>>,
}

fn split<H>(held: Vec<Holding<H>>, pending: &Pending<'_>) -> Split<H> {
    let wanted = wanted(pending);
    let (staying, others): (Vec<_>, Vec<_>) = held.into_iter().partition(|holding| is_wanted(holding, &wanted));
    let bound = Coverage::of(reservations(&staying));
    let mut new = Occupancy::default();
    if let Some(plan) = pending.plan() {
        plan.reservations().flat_map(|wanted| bound.gaps(&wanted)).for_each(|gap| new.insert(&gap, &plan.owner));
    }
    let conflicts = |old: &Reservation| new.taken(old).is_some();
    let (in_the_way, leaving) = others.into_iter().partition(|holding| holding.reservations.iter().any(conflicts));
    Split { staying, leaving, in_the_way }
}

fn wanted(pending: &Pending<'_>) -> Coverage {
    Coverage::of(pending.plan().into_iter().flat_map(|plan| plan.reservations()))
}

fn is_wanted<H>(holding: &Holding<H>, wanted: &Coverage) -> bool {
    holding.reservations.iter().all(|reservation| wanted.covers(reservation))
}

fn reservations<H>(holdings: &[Holding<H>]) -> impl Iterator<Item = Reservation> {
    holdings.iter().flat_map(|holding| holding.reservations.iter().copied())
}

fn bind_again<B: Binder>(
    binder: &B,
    let_go: Vec<Vec<Reservation>>,
    held: &mut Vec<Holding<B::Held>>,
) -> Vec<Reservation> {
    let mut lost = Vec::new();
    for reservations in let_go {
        match binder.bind(&reservations) {
            Ok(again) => held.push(Holding { reservations, held: again }),
            Err(_) => lost.extend(reservations),
        }
    }
    lost
}
