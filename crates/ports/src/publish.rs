//! Publishing with sockets.
//!
//! Owns: the order of planning, binding and committing, and the loop that tries other ports. Must never hold the
//! book's lock while a socket is bound.

use crate::wish::Skipped;
use crate::{Binder, Book, Context, Error, Plan, Reservation};
use pontoon_types::{PortBinding, PortMapping};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ports that are bound, and what keeps them so.
#[derive(Debug)]
pub struct Holding<H> {
    /// The ports.
    pub reservations: Vec<Reservation>,
    /// Dropping it gives them back.
    pub held: H,
}

/// What an owner has published.
#[derive(Debug)]
pub struct Published<H> {
    /// The mappings, as few as possible.
    pub mappings: Vec<PortMapping>,
    /// What keeps their ports.
    pub held: Vec<Holding<H>>,
    /// Parts of the bindings that were left out.
    pub skipped: Vec<Skipped>,
}

/// Publishes `bindings` for `owner`: sets ports aside, binds them, and tries others where any will do. Fails without a
/// trace, in the book and among the sockets.
pub fn publish_with<B: Binder>(
    book: &Mutex<Book>,
    binder: &B,
    owner: &str,
    bindings: &[PortBinding],
    context: &Context<'_>,
) -> Result<Published<B::Held>, Error> {
    let plan = lock(book).plan(owner, bindings, context)?;
    finish(Pending::new(book, plan), binder, context)
}

/// Publishes exactly what `owner` had before a restart. Fails without a trace if any of it cannot be had.
pub fn restore_with<B: Binder>(
    book: &Mutex<Book>,
    binder: &B,
    owner: &str,
    mappings: &[PortMapping],
    context: &Context<'_>,
) -> Result<Published<B::Held>, Error> {
    let plan = lock(book).plan_restore(owner, mappings)?;
    finish(Pending::new(book, plan), binder, context)
}

fn finish<B: Binder>(mut pending: Pending<'_>, binder: &B, context: &Context<'_>) -> Result<Published<B::Held>, Error> {
    let held = pending.bind(binder, context, |wanted| wanted)?;
    let (mappings, skipped) = pending.commit();
    Ok(Published { mappings, held, skipped })
}

pub(crate) fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    // Every operation of the book leaves it consistent, so a panic elsewhere is no reason to stop publishing.
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A plan that is aborted unless it is committed, whatever happens in between.
pub(crate) struct Pending<'a> {
    book: &'a Mutex<Book>,
    plan: Option<Plan>,
}

impl<'a> Pending<'a> {
    pub(crate) fn new(book: &'a Mutex<Book>, plan: Plan) -> Self {
        Self { book, plan: Some(plan) }
    }

    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Binds group after group. `missing` leaves out of a group's reservations what is bound already.
    pub(crate) fn bind<B: Binder>(
        &mut self,
        binder: &B,
        context: &Context<'_>,
        missing: impl Fn(Vec<Reservation>) -> Vec<Reservation>,
    ) -> Result<Vec<Holding<B::Held>>, Error> {
        let mut holdings = Vec::new();
        let mut index = 0;
        while let Some(plan) = &mut self.plan
            && let Some(group) = plan.groups().get(index)
        {
            let reservations = missing(group.reservations());
            if reservations.is_empty() {
                index += 1;
                continue;
            }
            match binder.bind(&reservations) {
                Ok(held) => {
                    holdings.push(Holding { reservations, held });
                    index += 1;
                }
                Err(mut failed) => {
                    let host_ip = reservations.get(failed.which).map(|reservation| reservation.host_ip);
                    failed.which = group.targets.iter().position(|t| Some(t.host_ip) == host_ip).unwrap_or_default();
                    lock(self.book).retry(plan, index, failed, context)?;
                }
            }
        }
        Ok(holdings)
    }

    pub(crate) fn commit(mut self) -> (Vec<PortMapping>, Vec<Skipped>) {
        let Some(plan) = self.plan.take() else { return Default::default() };
        let skipped = plan.skipped.clone();
        (lock(self.book).commit(plan), skipped)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(plan) = self.plan.take() {
            lock(self.book).abort(plan);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
