//! Numbers as a peer writes them, to E.164 and back. Never touches names, short codes and extensions.
