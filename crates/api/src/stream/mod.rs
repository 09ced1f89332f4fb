//! Streams of a process: its output on the way to a client, and the client's input on the way to it.
//!
//! Owns: frames, the keys that detach, and carrying bytes both ways. Must never know what runs.

pub(crate) mod attachment;
pub(crate) mod carry;
pub(crate) mod detach;
pub(crate) mod frame;
pub(crate) mod websocket;
