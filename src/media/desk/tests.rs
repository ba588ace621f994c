//! Whole calls over the desk: what one side sends is found in what the other side receives.

mod codecs;
mod keys;
mod mixing;
mod network;
mod phone;
mod sources;
