//! One call: legs, turn-taking, dialog and playout, composed.
