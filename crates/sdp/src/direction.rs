//! Who may send, and how hold is spelled (RFC 3264 §5.1, §6.1, §8.4).

/// The direction of media, from the view of the side that wrote the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Sends and receives; what silence means (RFC 8866 §6.7).
    #[default]
    SendRecv,
    /// Sends only: the other side is on hold.
    SendOnly,
    /// Receives only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The direction with these abilities.
    #[must_use]
    pub const fn from_parts(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Reads an attribute's name.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Direction> {
        use Direction as D;
        // All four have eight letters; most attributes have not.
        if name.len() != 8 {
            return None;
        }
        let known = [D::SendRecv, D::SendOnly, D::RecvOnly, D::Inactive];
        known.into_iter().find(|direction| name.eq_ignore_ascii_case(direction.as_str().as_bytes()))
    }

    /// The attribute's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// Whether the writer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same stream from the other side's view: sendonly and recvonly change places.
    #[must_use]
    pub const fn reverse(self) -> Direction {
        Direction::from_parts(self.receives(), self.sends())
    }

    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Direction) -> Direction {
        Direction::from_parts(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The direction less receiving, as c=0.0.0.0 asks (RFC 3264 §8.4).
    #[must_use]
    pub const fn without_receive(self) -> Direction {
        Direction::from_parts(self.sends(), false)
    }

    /// This direction as far as an answer to `offered` may say it (RFC 3264 §6.1).
    #[must_use]
    pub const fn as_answer_to(self, offered: Direction) -> Direction {
        self.and(offered.reverse())
    }
}

/// How a hold is written towards a peer; peers understand different forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum HoldForm {
    /// As the other leg wrote it.
    #[default]
    Pass,
    /// `a=sendonly` (RFC 3264 §8.4); inactive stays inactive.
    Sendonly,
    /// `a=inactive` whenever the writer does not receive.
    Inactive,
    /// `c=IN IP4 0.0.0.0` as in RFC 2543, without `a=sendonly`; inactive keeps its attribute.
    Zero,
    /// `a=sendonly`, also for an offer that is inactive: for peers that know no other form.
    SendonlyOnly,
}

impl HoldForm {
    /// The attribute to print and whether the address is null, in an answer to `offered` or in an offer. An
    /// offer may say that we would send although the other side will not.
    pub(crate) fn write(
        self,
        stated: Direction,
        null: bool,
        offered: Option<Direction>,
    ) -> (Direction, bool) {
        let stated = offered.map_or(stated, |offered| stated.as_answer_to(offered));
        match self.spell(stated, null) {
            (Direction::Inactive, null) if self == HoldForm::SendonlyOnly && offered.is_none() => {
                (Direction::SendOnly, null)
            }
            said => said,
        }
    }

    /// The attribute to print and whether the address is null, for media whose attribute says
    /// `stated` and whose address is null or not.
    pub(crate) fn spell(self, stated: Direction, null: bool) -> (Direction, bool) {
        let effective = if null { stated.without_receive() } else { stated };
        match self {
            HoldForm::Pass => (stated, null),
            HoldForm::Sendonly | HoldForm::SendonlyOnly => (effective, false),
            _ if effective.receives() => (effective, false),
            HoldForm::Inactive => (Direction::Inactive, false),
            HoldForm::Zero if effective.sends() => (Direction::SendRecv, true),
            HoldForm::Zero => (Direction::Inactive, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::*;

    #[test]
    fn an_answer_is_bounded_by_the_offer() {
        assert_eq!(SendRecv.as_answer_to(SendOnly), RecvOnly);
        assert_eq!(SendOnly.as_answer_to(SendOnly), Inactive);
        assert_eq!(SendRecv.as_answer_to(RecvOnly), SendOnly);
        assert_eq!(SendRecv.as_answer_to(Inactive), Inactive);
        assert_eq!(RecvOnly.as_answer_to(SendRecv), RecvOnly);
    }

    #[test]
    fn hold_is_spelled_as_asked() {
        for (form, stated, null, expected) in [
            (HoldForm::Pass, SendRecv, true, (SendRecv, true)),
            (HoldForm::Pass, SendOnly, false, (SendOnly, false)),
            (HoldForm::Sendonly, SendRecv, true, (SendOnly, false)),
            (HoldForm::Sendonly, Inactive, false, (Inactive, false)),
            (HoldForm::Sendonly, RecvOnly, true, (Inactive, false)),
            (HoldForm::Inactive, SendOnly, false, (Inactive, false)),
            (HoldForm::Inactive, SendRecv, true, (Inactive, false)),
            (HoldForm::Inactive, RecvOnly, false, (RecvOnly, false)),
            (HoldForm::Inactive, SendRecv, false, (SendRecv, false)),
            (HoldForm::Zero, SendOnly, false, (SendRecv, true)),
            (HoldForm::Zero, Inactive, false, (Inactive, true)),
            (HoldForm::Zero, RecvOnly, false, (RecvOnly, false)),
            (HoldForm::SendonlyOnly, Inactive, false, (Inactive, false)),
        ] {
            assert_eq!(form.spell(stated, null), expected, "{form:?} {stated:?} {null}");
        }
        assert_eq!(HoldForm::SendonlyOnly.write(Inactive, false, None), (SendOnly, false));
        assert_eq!(HoldForm::SendonlyOnly.write(SendRecv, true, None), (SendOnly, false));
        assert_eq!(HoldForm::Sendonly.write(Inactive, false, None), (Inactive, false));
        assert_eq!(HoldForm::SendonlyOnly.write(Inactive, false, Some(SendRecv)), (Inactive, false));
    }

    #[test]
    fn names_read_back() {
        for direction in [SendRecv, SendOnly, RecvOnly, Inactive] {
            assert_eq!(Direction::from_name(direction.as_str().as_bytes()), Some(direction));
            assert_eq!(direction.reverse().reverse(), direction);
        }
        assert_eq!(Direction::from_name(b"both"), None);
    }
}
