//! Networks: how they are made, found, shown and removed.

pub(crate) mod create;
pub(crate) mod live;
pub(crate) mod lookup;
pub(crate) mod options;
pub(crate) mod pools;
pub(crate) mod predefined;
pub(crate) mod prune;
pub(crate) mod record;
pub(crate) mod remove;
pub(crate) mod view;
