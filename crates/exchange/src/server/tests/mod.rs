//! The server as a whole, over plain connections.

mod client;
mod parameters;
