//! A SIP phone that registers with us: its credentials, its bindings, its subscriptions.

pub mod activity;
pub mod bindings;
pub mod identity;
pub mod registrar;
pub mod settings;
pub mod subscription;
