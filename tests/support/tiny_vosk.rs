//! A model for Vosk in Kaldi's formats, made by hand: whatever is loud is the word "yes", whatever is not is silence. It is
//! read, run and refused like a real one. 3 kB.
//!
//! ```text
//! energy (the first cepstrum) ─► one affine layer ─► silence │ begin of "yes" │ end of "yes" ─► a graph of four states
//! ```

use std::fs;
use std::path::Path;

const FEATURES: &str = "--sample-frequency=8000\n--use-energy=false\n--num-ceps=13\n--num-mel-bins=23\n--low-freq=130\n--high-freq=3700\n--dither=0\n";
const DECODING: &str = "--min-active=200\n--max-active=3000\n--beam=10.0\n--lattice-beam=2.0\n--acoustic-scale=1.0\n--frame-subsampling-factor=3\n--endpoint.silence-phones=1\n";
/// Three phones of one state each: transitions 1, 3, 5 stay, 2, 4, 6 go on.
const TRANSITIONS: &str = "<TransitionModel> \n<Topology> \n<TopologyEntry> \n<ForPhones> \n1 2 3\n</ForPhones> \n<State> 0 <PdfClass> 0 <Transition> 0 0.5 <Transition> 1 0.5 </State> \n<State> 1 </State> \n</TopologyEntry> \n</Topology> \n<Triples> 3 \n1 0 0\n2 0 1\n3 0 2\n</Triples> \n<LogProbs> \n [ 0 -0.69 -0.69 -0.69 -0.69 -0.69 -0.69 ]\n</LogProbs> \n</TransitionModel> \n";
const NETWORK: &str = "<Nnet3> \ninput-node name=input dim=13\ncomponent-node name=affine component=affine input=input\noutput-node name=output input=affine objective=linear\n\n<NumComponents> 1 \n<ComponentName> affine <FixedAffineComponent> <LinearParams>  [\n";
/// The layer: how much of each cepstrum speaks for each phone, and what speaks for it anyway.
const WEIGHTS: [[f32; 3]; 3] = [[-0.2, 0.0, 9.0], [0.2, 0.05, -9.0], [0.2, -0.05, -9.0]];

/// From a state, the transition that is taken, the word that begins with it, and the state that follows.
type Arc = (i32, i32, i32);
const GRAPH: [&[Arc]; 4] =
    [&[(2, 0, 1), (4, 1, 2)], &[(1, 0, 1), (0, 0, 0)], &[(3, 0, 2), (6, 0, 3)], &[(5, 0, 3), (0, 0, 0)]];
/// Where a sentence may end: not in the middle of the word.
const FINAL: [bool; 4] = [true, true, false, true];

/// Makes the model's folder.
pub fn write(folder: &Path) {
    for part in ["am", "conf", "graph/phones"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    let put = |name: &str, content: &[u8]| fs::write(folder.join(name), content).unwrap();
    put("conf/mfcc.conf", FEATURES.as_bytes());
    put("conf/model.conf", DECODING.as_bytes());
    put("am/final.mdl", acoustic_model().as_bytes());
    put("graph/HCLG.fst", &graph());
    put("graph/words.txt", b"<eps> 0\nyes 1\n[unk] 2\n");
    put("graph/phones/word_boundary.int", b"1 nonword\n2 begin\n3 end\n");
}

fn acoustic_model() -> String {
    let row = |[energy, tilt, _]: [f32; 3]| format!("  {energy} {tilt}{}", " 0".repeat(11));
    let rows: Vec<String> = WEIGHTS.into_iter().map(row).collect();
    let [a, b, c] = WEIGHTS.map(|[_, _, bias]| bias);
    let end = "</FixedAffineComponent> \n</Nnet3> \n<LeftContext> 0 <RightContext> 0 <Priors>  [ ]\n";
    format!("{TRANSITIONS}{NETWORK}{} ]\n<BiasParams>  [ {a} {b} {c} ]\n{end}", rows.join("\n"))
}

/// A `VectorFst` as OpenFst writes it.
fn graph() -> Vec<u8> {
    let mut bytes = 2_125_659_606_i32.to_le_bytes().to_vec();
    for name in ["vector", "standard"] {
        bytes.extend((name.len() as i32).to_le_bytes());
        bytes.extend(name.as_bytes());
    }
    // Version, flags, properties (it is changeable and kept apart), first state, states, arcs.
    bytes.extend([2_i32, 0].iter().flat_map(|number| number.to_le_bytes()));
    let arcs: usize = GRAPH.iter().map(|arcs| arcs.len()).sum();
    bytes.extend([3_i64, 0, GRAPH.len() as i64, arcs as i64].iter().flat_map(|number| number.to_le_bytes()));
    for (arcs, is_final) in GRAPH.iter().zip(FINAL) {
        bytes.extend(if is_final { 0.0 } else { f32::INFINITY }.to_le_bytes());
        bytes.extend((arcs.len() as i64).to_le_bytes());
        for &(transition, word, next) in *arcs {
            let weight: f32 = if next == 0 || transition % 2 == 1 { 0.0 } else { 0.5 };
            bytes.extend(transition.to_le_bytes());
            bytes.extend(word.to_le_bytes());
            bytes.extend(weight.to_le_bytes());
            bytes.extend(next.to_le_bytes());
        }
    }
    bytes
}
