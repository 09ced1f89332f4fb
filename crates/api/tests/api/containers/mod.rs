//! Containers over the API: answers, and streams over real sockets.

mod answers;
pub mod model;
mod streams;
