//! Human agents: presence, skills, queue, desk, notes.
