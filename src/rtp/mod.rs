//! RTP and RTCP without sockets: what a leg needs between bytes and frames.
