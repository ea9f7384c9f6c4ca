//! What is used of Debian's `libpocketsphinx` and `libsphinxbase` (0.8+5prealpha), as their headers declare it.
//!
//! Only opaque pointers and plain numbers cross: no C struct is laid out here. Everything is called from [`decoder`], which
//! keeps the rules that C cannot state:
//!
//! - a decoder, its front end and its language models belong to one thread at a time (reference counts are not atomic, and
//!   a language model's look-up keeps a cache inside the model);
//! - strings handed out live until the next call on the object that they came from;
//! - an iterator is freed by the call that says it has ended, or by its `_free`.
//!
//! [`decoder`]: super::decoder

use std::ffi::{c_char, c_double, c_int, c_void};

/// Declares types that are only ever seen behind a pointer.
macro_rules! opaque {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub(super) struct $name {
            _private: [u8; 0],
        }
    )*};
}

opaque!(PsDecoder PsSegment PsNBest Config Arguments FrontEnd LogMath NGramModel);

/// `err_cb_f`. It is variadic in C, so only "none" can be handed over from here.
pub(super) type LogCallback = unsafe extern "C" fn(*mut c_void, c_int, *const c_char, ...);

/// `ngram_file_type_t`: guess from the name and the content.
pub(super) const NGRAM_AUTO: c_int = 0;

#[link(name = "pocketsphinx")]
unsafe extern "C" {
    // pocketsphinx.h
    pub(super) fn ps_args() -> *const Arguments;
    pub(super) fn ps_init(config: *mut Config) -> *mut PsDecoder;
    pub(super) fn ps_free(decoder: *mut PsDecoder) -> c_int;
    pub(super) fn ps_get_config(decoder: *mut PsDecoder) -> *mut Config;
    pub(super) fn ps_get_logmath(decoder: *mut PsDecoder) -> *mut LogMath;
    pub(super) fn ps_start_utt(decoder: *mut PsDecoder) -> c_int;
    pub(super) fn ps_process_cep(
        decoder: *mut PsDecoder,
        cepstra: *mut *mut f32,
        frames: c_int,
        no_search: c_int,
        full_utterance: c_int,
    ) -> c_int;
    pub(super) fn ps_end_utt(decoder: *mut PsDecoder) -> c_int;
    pub(super) fn ps_get_hyp(decoder: *mut PsDecoder, score: *mut i32) -> *const c_char;
    pub(super) fn ps_get_prob(decoder: *mut PsDecoder) -> i32;
    pub(super) fn ps_seg_iter(decoder: *mut PsDecoder) -> *mut PsSegment;
    pub(super) fn ps_seg_next(segment: *mut PsSegment) -> *mut PsSegment;
    pub(super) fn ps_seg_word(segment: *mut PsSegment) -> *const c_char;
    pub(super) fn ps_seg_frames(segment: *mut PsSegment, first: *mut c_int, last: *mut c_int);
    pub(super) fn ps_seg_prob(segment: *mut PsSegment, acoustic: *mut i32, language: *mut i32, order: *mut i32) -> i32;
    pub(super) fn ps_nbest(decoder: *mut PsDecoder) -> *mut PsNBest;
    pub(super) fn ps_nbest_next(list: *mut PsNBest) -> *mut PsNBest;
    pub(super) fn ps_nbest_hyp(list: *mut PsNBest, score: *mut i32) -> *const c_char;
    pub(super) fn ps_nbest_free(list: *mut PsNBest);
    // ps_search.h
    pub(super) fn ps_set_lm(decoder: *mut PsDecoder, name: *const c_char, model: *mut NGramModel) -> c_int;
    pub(super) fn ps_set_search(decoder: *mut PsDecoder, name: *const c_char) -> c_int;
}

#[link(name = "sphinxbase")]
unsafe extern "C" {
    // cmd_ln.h
    pub(super) fn cmd_ln_parse_r(
        previous: *mut Config,
        definitions: *const Arguments,
        argc: i32,
        argv: *mut *mut c_char,
        strict: i32,
    ) -> *mut Config;
    pub(super) fn cmd_ln_free_r(config: *mut Config) -> c_int;
    // err.h; without a callback nothing is logged, in any thread; what goes round it goes to the thread's own stream
    pub(super) fn err_set_logfp(stream: *mut c_void);
    pub(super) fn err_set_callback(callback: Option<LogCallback>, user_data: *mut c_void);
    // fe.h
    pub(super) fn fe_init_auto_r(config: *mut Config) -> *mut FrontEnd;
    pub(super) fn fe_free(front_end: *mut FrontEnd) -> c_int;
    pub(super) fn fe_start_stream(front_end: *mut FrontEnd);
    pub(super) fn fe_start_utt(front_end: *mut FrontEnd) -> c_int;
    pub(super) fn fe_end_utt(front_end: *mut FrontEnd, cepstrum: *mut f32, frames: *mut i32) -> c_int;
    pub(super) fn fe_process_frames(
        front_end: *mut FrontEnd,
        samples: *mut *const i16,
        sample_count: *mut usize,
        cepstra: *mut *mut f32,
        frame_count: *mut i32,
        frame_index: *mut i32,
    ) -> c_int;
    // logmath.h
    pub(super) fn logmath_exp(math: *mut LogMath, log: c_int) -> c_double;
    pub(super) fn logmath_init(base: c_double, shift: c_int, use_table: c_int) -> *mut LogMath;
    pub(super) fn logmath_free(math: *mut LogMath) -> c_int;
    // ngram_model.h
    pub(super) fn ngram_model_read(
        config: *mut Config,
        file: *const c_char,
        file_type: c_int,
        math: *mut LogMath,
    ) -> *mut NGramModel;
    pub(super) fn ngram_model_free(model: *mut NGramModel) -> c_int;
    pub(super) fn ngram_model_get_counts(model: *mut NGramModel) -> *const u32;
    pub(super) fn ngram_word(model: *mut NGramModel, word: i32) -> *const c_char;
    pub(super) fn ngram_ng_score(
        model: *mut NGramModel,
        word: i32,
        history: *mut i32,
        history_length: i32,
        words_used: *mut i32,
    ) -> i32;
}
