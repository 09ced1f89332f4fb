//! The fake host: a model of several namespaces that fails on demand.
