//! Closed sets of words: one list gives the type, its tokens and its reader.

/// A type whose values are written as one of a closed set of words.
pub trait Words: Sized + Copy + 'static {
    /// The words, in the order of the documentation.
    const TOKENS: &'static [&'static str];

    /// Reads a word, exactly as written in [`Words::TOKENS`].
    fn from_token(token: &str) -> Option<Self>;

    /// The value's word.
    fn token(self) -> &'static str;
}

macro_rules! words {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $token:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $crate::Words for $name {
            const TOKENS: &'static [&'static str] = &[$($token,)+];

            fn from_token(token: &str) -> Option<Self> {
                match token {
                    $($token => Some($name::$variant),)+
                    _ => None,
                }
            }

            fn token(self) -> &'static str {
                match self {
                    $($name::$variant => $token,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::Words::token(*self))
            }
        }
    };
}
pub(crate) use words;
