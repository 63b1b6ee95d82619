pub mod media;
pub mod mmsg;
