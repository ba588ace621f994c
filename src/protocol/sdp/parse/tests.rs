//! Descriptions as peers write them, good and bad.


