//! The program as a process, and what holds across crates. One file a subject.
#![cfg(test)]
mod exchange;
mod parity;
