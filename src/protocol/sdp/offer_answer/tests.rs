//! Laws and examples of offer and answer.


