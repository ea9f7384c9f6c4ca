//! A small plan for unit tests: two main scenes, three problems, every prompt in two plain variants.

use std::path::PathBuf;

use super::dialplan::{Plan, PromptKind};

/// The main file, with every prompt that there is.
pub(super) fn main_file() -> String {
    let mut text = String::from(
        "language: en\ndaytimes: {morning: Good morning, afternoon: Good afternoon, evening: Good evening}\n\
         default_queue: general\nqueues:\n  general: {target: 'sip:a@b', method: bridge, timeout: 20s}\nprompts:\n",
    );
    for kind in PromptKind::ALL {
        let slots: Vec<_> = kind.needed().iter().map(|slot| format!("{{{}}}", slot.name())).collect();
        let slots = slots.join(" ");
        text += &format!("  {0}:\n    - \"{0} a {slots}.\"\n    - \"{0} b {slots}.\"\n", kind.name());
    }
    text
}

/// The scenes of one main scene.
pub(super) fn scene_file(main: &str, scenes: &[&str]) -> String {
    let mut text = format!("main_scene: {main}\nname: {main}\nvague: [it is {main}]\nscenes:\n");
    for scene in scenes {
        text += &format!("  - scene: {scene}\n    name: a {scene}\n    answer: Answer {scene}.\n    examples:\n");
        for i in 0..10 {
            text += &format!("      - {scene} example {i}\n");
        }
    }
    text
}

pub(crate) fn plan() -> Plan {
    let files = vec![
        (PathBuf::from("dialplan.yaml"), main_file()),
        (PathBuf::from("scenes/card.yaml"), scene_file("card", &["lost_card", "forgot_pin"])),
        (PathBuf::from("scenes/payment.yaml"), scene_file("payment", &["refund"])),
    ];
    Plan::from_files(files).unwrap_or_else(|found| panic!("{found}")).0
}
