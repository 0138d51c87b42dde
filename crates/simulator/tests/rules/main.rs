//! The rules of `docs/fill-rules.md` by their numbers, each on the smallest market that shows
//! it.

mod exchange;
mod market;
mod stress;
mod world;
