//! Names of values: what is known of a call, what the caller answered, what an action brought.

use super::SlotId;
use super::named::named;

named! {
    /// Something that is known of a call without asking, if it is.
    Fact {
        /// The calling number.
        Phone = "phone",
        /// The caller's form of address.
        Member = "member",
        /// The caller's id in the store.
        MemberId = "member_id",
        /// Level of membership.
        MemberLevel = "member.level",
        /// City of the caller.
        MemberCity = "member.city",
        /// The order that the problem is about, as spoken.
        Order = "order",
        /// Its id.
        OrderId = "order_id",
        /// Its kind, as in the store.
        OrderKind = "order.kind",
        /// Its status, as in the store.
        OrderStatus = "order.status",
        /// Amount and currency.
        OrderPrice = "order.price",
        /// What it was for.
        OrderProduct = "order.product",
        /// The day it was made.
        OrderDay = "order.day",
        /// Id of the problem that stands.
        Scene = "scene",
        /// The problem that stands, as spoken.
        Problem = "problem",
        /// The trunk that the call came over, by its name in the settings.
        CallTrunk = "call.trunk",
        /// The number that was called first, where the call was diverted to us.
        CallDivertedFrom = "call.diverted_from",
        /// How surely the network knows who calls (STIR/SHAKEN): `A`, `B`, `C`, `failed` or `none`.
        CallVerified = "call.verified",
        /// Our name for the call: for actions only.
        CallId = "call_id",
    }
}

impl Fact {
    /// What is known as well where this is.
    pub(super) const fn brings(self) -> &'static [Self] {
        match self {
            Self::Member => &[Self::MemberId, Self::MemberLevel],
            Self::Order | Self::OrderId | Self::OrderProduct | Self::OrderPrice | Self::OrderStatus => {
                &[Self::Order, Self::OrderId, Self::OrderKind, Self::OrderStatus, Self::OrderDay]
            }
            _ => &[],
        }
    }
}

/// A value by its name in conditions, prompts and actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Known of the call.
    Fact(Fact),
    /// Answered by the caller.
    Slot(SlotId),
    /// Brought by an action: its position and that of the field in its `returns`.
    Result(usize, usize),
    /// A header field of the INVITE, by its position in the dialplan's `headers`.
    Header(usize),
}
