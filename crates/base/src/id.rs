//! Small ids: indexes into the tables of one configuration snapshot.

macro_rules! index_id {
    ($(#[$doc:meta])* $name:ident, $repr:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
        pub struct $name(pub $repr);

        impl $name {
            /// The id as an index into its table.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index_id!(
    /// An interface (`[listen.NAME]`) of this node; index into the snapshot's listen table.
    ListenId, u16
);
index_id!(
    /// A trunk (`[trunk.NAME]`); index into the snapshot's trunk table.
    TrunkId, u32
);
index_id!(
    /// A gateway of a trunk; index into the snapshot's gateway table (over all trunks).
    GatewayId, u32
);
index_id!(
    /// A signalling shard: one thread, one switchboard.
    ShardId, u8
);
