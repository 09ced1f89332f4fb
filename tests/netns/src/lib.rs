//! Tests of the daemon with real packets, in worlds of namespaces. They are all in `tests/worlds`, one executable.
