//! The program as a process, and what holds across crates. One file a subject.
#![cfg(test)]

mod architecture;
mod exchange;
mod lost_answers;
mod parity;
