//! A set of numbers kept as runs, so that a full subnet costs as much as an empty one.
//!
//! Owns: insertion, removal and the search for the lowest gap, each logarithmic in the number of runs. Must never
//! keep two runs that touch: the search relies on the number after a run being free.

use crate::span::Span;
use std::collections::BTreeMap;

/// A set of `u128`, as runs by their first number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IntervalSet {
    runs: BTreeMap<u128, u128>,
}

impl IntervalSet {
    /// Adds every number of `span`; those already there stay.
    pub(crate) fn insert(&mut self, span: Span) {
        let mut merged = span;
        if let Some((&first, &last)) = self.runs.range(..=span.first).next_back()
            && last >= span.first.saturating_sub(1)
        {
            merged = Span { first, last: last.max(span.last) };
        }
        while let Some((&first, &last)) = self.runs.range(merged.first..=merged.last.saturating_add(1)).next() {
            self.runs.remove(&first);
            merged.last = merged.last.max(last);
        }
        self.runs.insert(merged.first, merged.last);
    }

    /// Takes every number of `span` out; those not there are no error.
    pub(crate) fn remove(&mut self, span: Span) {
        while let Some((&first, &last)) = self.runs.range(..=span.last).next_back() {
            if last < span.first {
                return;
            }
            self.runs.remove(&first);
            if last > span.last {
                self.runs.insert(span.last + 1, last);
            }
            if first < span.first {
                self.runs.insert(first, span.first - 1);
                return;
            }
        }
    }

    /// Whether `number` is in the set.
    pub(crate) fn contains(&self, number: u128) -> bool {
        self.last_of_overlap(Span::single(number)).is_some()
    }

    /// The last number of the last run that shares a number with `span`; `None` when all of `span` is free.
    pub(crate) fn last_of_overlap(&self, span: Span) -> Option<u128> {
        self.runs.range(..=span.last).next_back().map(|(_, &last)| last).filter(|&last| last >= span.first)
    }

    /// The lowest number of `within` that is not in the set.
    pub(crate) fn lowest_free(&self, within: Span) -> Option<u128> {
        match self.last_of_overlap(Span::single(within.first)) {
            None => Some(within.first),
            Some(last) => last.checked_add(1).filter(|&next| next <= within.last),
        }
    }

    /// How many numbers of `within` are in the set. Linear in the runs inside `within`.
    pub(crate) fn count_in(&self, within: Span) -> u128 {
        let before = self.runs.range(..within.first).next_back();
        let runs = before.into_iter().chain(self.runs.range(within.first..=within.last));
        runs.filter(|&(_, &last)| last >= within.first)
            .map(|(&first, &last)| Span { first: first.max(within.first), last: last.min(within.last) }.size())
            .fold(0, u128::saturating_add)
    }

    /// How many runs the set has: what it costs in memory.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> usize {
        self.runs.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_ends_of_the_number_space_are_no_trap() {
        let mut set = IntervalSet::default();
        set.insert(Span { first: 0, last: u128::MAX });
        assert_eq!(set.lowest_free(Span { first: 0, last: u128::MAX }), None);
        set.remove(Span::single(u128::MAX));
        set.remove(Span::single(0));
        assert_eq!(set.lowest_free(Span { first: 1, last: u128::MAX }), Some(u128::MAX));
        assert_eq!(set.lowest_free(Span { first: 0, last: 9 }), Some(0));
        set.insert(Span::single(0));
        set.insert(Span::single(u128::MAX));
        assert_eq!(set.runs(), 1);
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_numbers(changes in prop::collection::vec((any::<bool>(), 0u128..200, 0u128..30), 0..60)) {
            let (mut set, mut model) = (IntervalSet::default(), BTreeSet::new());
            for (add, first, length) in changes {
                let span = Span { first, last: first + length };
                if add { set.insert(span) } else { set.remove(span) }
                for number in first..=first + length {
                    if add { model.insert(number); } else { model.remove(&number); }
                }
            }
            for number in 0..240 {
                prop_assert_eq!(set.contains(number), model.contains(&number));
            }
            let within = Span { first: 20, last: 150 };
            prop_assert_eq!(set.lowest_free(within), (20..=150).find(|n| !model.contains(n)));
            prop_assert_eq!(set.count_in(within), model.range(20..=150).count() as u128);
            let expected = model.iter().filter(|&&n| n == 0 || !model.contains(&(n - 1))).count();
            prop_assert_eq!(set.runs(), expected);
        }
    }
}
