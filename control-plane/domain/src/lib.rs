//! Weights, operations, changes: the words of a cutover, without I/O.
