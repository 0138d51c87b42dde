//! The program as a process, and what holds across crates. One file a subject.
#![cfg(test)]

mod architecture;
mod bad_configuration;
mod clients;
mod conformance_http;
mod counts;
mod coverage;
mod detail;
mod exchange;
mod exchange_accounts;
mod exchange_bad_input;
mod exchange_data;
mod exchange_faults;
mod exchange_keys;
mod exchange_limits;
mod exchange_market;
mod exchange_socket;
mod exchange_time;
mod exchange_trading;
mod explain;
mod explain_folder;
mod follow;
mod ingest;
mod kept;
mod lost_answers;
mod page;
mod parity;
mod portfolio;
mod program;
mod provenance;
mod readers;
mod realdata;
mod shapes;
mod stored;
mod stress;
