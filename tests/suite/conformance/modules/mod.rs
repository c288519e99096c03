//! What each module of the basic plan checks.

mod asking;
mod happy;
mod refusals;
mod tokens;
mod userinfo;

pub use asking::*;
pub use happy::*;
pub use refusals::*;
pub use tokens::*;
pub use userinfo::*;
