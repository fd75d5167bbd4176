// The workload of bench/shape.ts in llama.cpp, through its public API: one JSON line with seconds, tokens a second and bytes, named as there.
// usage: llama_peer LLM.gguf MMPROJ.gguf [threads] [tokens]
// 16 frames of 308x224 that llama.cpp merges by twos, 20 tokens of text before them and 30 behind; each pair gets its own start and end token, 770 in all.
// text_prefill: 756 tokens of text alone, read in one batch, which its way with frames never does: the least that prefill could take.
#include "llama.h"
#include "mtmd-helper.h"
#include "mtmd.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <vector>

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static double peak_bytes() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024.0;
}

static void errors_only(enum ggml_log_level level, const char * text, void *) {
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static int fail(const char * what) {
    fprintf(stderr, "%s failed\n", what);
    return 1;
}

int main(int argc, char ** argv) {
    if (argc < 3) return fail("reading the arguments: LLM.gguf MMPROJ.gguf [threads] [tokens]");
    const int threads = argc > 3 ? atoi(argv[3]) : 2, tokens = argc > 4 ? atoi(argv[4]) : 33;
    llama_log_set(errors_only, nullptr);
    mtmd_helper_log_set(errors_only, nullptr);

    double start = now();
    llama_backend_init();
    auto model_options = llama_model_default_params();
    model_options.n_gpu_layers = 0;
    llama_model * model = llama_model_load_from_file(argv[1], model_options);
    if (!model) return fail("loading the language model");
    auto context_options = llama_context_default_params();
    context_options.n_ctx = context_options.n_batch = 2048;
    context_options.n_threads = context_options.n_threads_batch = threads;
    llama_context * context = llama_init_from_model(model, context_options);
    if (!context) return fail("making a context");
    auto vision_options = mtmd_context_params_default();
    vision_options.use_gpu = false;
    vision_options.n_threads = threads;
    vision_options.warmup = false;
    vision_options.print_timings = false;
    mtmd_context * vision = mtmd_init_from_file(argv[2], model, vision_options);
    if (!vision) return fail("loading the vision encoder");
    const double load = now() - start, loaded = peak_bytes();

    std::vector<mtmd_bitmap *> frames;
    std::vector<unsigned char> pixels(308 * 224 * 3);
    std::string prompt;
    for (int i = 0; i < 20; i++) prompt += " a";
    for (int i = 0; i < 16; i++) {
        for (auto & p : pixels) p = rand();
        frames.push_back(mtmd_bitmap_init(308, 224, pixels.data()));
        mtmd_bitmap_set_mergeable(frames.back(), true);
        prompt += mtmd_default_marker();
    }
    for (int i = 0; i < 30; i++) prompt += " a";
    mtmd_input_text text{prompt.c_str(), prompt.size(), false, true};
    auto * chunks = mtmd_input_chunks_init();
    if (mtmd_tokenize(vision, chunks, &text, (const mtmd_bitmap * const *) frames.data(), frames.size())) return fail("reading the prompt");

    const size_t count = mtmd_input_chunks_size(chunks);
    const auto is_text = [](const mtmd_input_chunk * chunk) { return mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT; };
    const int width = llama_model_n_embd_inp(model), vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    size_t visual = 0, all = 0;
    double encoding = 0;
    std::vector<std::vector<float>> embeds(count);
    for (size_t i = 0; i < count; i++) {
        auto * chunk = mtmd_input_chunks_get(chunks, i);
        const size_t n = mtmd_input_chunk_get_n_tokens(chunk);
        all += n;
        if (is_text(chunk)) continue;
        visual += n;
        start = now();
        if (mtmd_encode_chunk(vision, chunk)) return fail("encoding a frame");
        encoding += now() - start;
        const float * found = mtmd_get_output_embd(vision);
        embeds[i].assign(found, found + width * n);
    }

    llama_pos position = 0;
    start = now();
    for (size_t i = 0; i < count; i++) {
        auto * chunk = mtmd_input_chunks_get(chunks, i);
        const int failed = is_text(chunk) ? mtmd_helper_eval_chunk_single(vision, context, chunk, position, 0, 2048, i == count - 1, &position)
                                          : mtmd_helper_decode_image_chunk(vision, context, chunk, embeds[i].data(), position, 0, 2048, &position, nullptr, nullptr);
        if (failed) return fail("prefill");
    }
    const auto likeliest = [&] {
        const float * logits = llama_get_logits_ith(context, -1);
        return (llama_token) (std::max_element(logits, logits + vocabulary) - logits);
    };
    llama_token token = likeliest();
    const double prefill = now() - start;

    start = now();
    for (int i = 1; i < tokens; i++) {
        llama_batch batch = llama_batch_init(1, 0, 1);
        batch.n_tokens = batch.logits[0] = batch.n_seq_id[0] = 1;
        batch.token[0] = token;
        batch.pos[0] = position++;
        batch.seq_id[0][0] = 0;
        if (llama_decode(context, batch)) return fail("decoding");
        token = likeliest();
        llama_batch_free(batch);
    }
    const double decode = (tokens - 1) / (now() - start), peak = peak_bytes();

    llama_memory_clear(llama_get_memory(context), true);
    std::vector<llama_token> plain(756, token);
    start = now();
    if (llama_decode(context, llama_batch_get_one(plain.data(), (int32_t) plain.size()))) return fail("prefill of text");
    likeliest();
    const double text_prefill = now() - start;

    printf("{\"versions\":{\"llama.cpp\":\"%s\"},\"load\":%f,\"answers\":[{\"vision\":%f,\"prefill\":%f,\"text_prefill\":%f,\"first_token\":%f,\"decode\":%f}],"
           "\"prompt_tokens\":%zu,\"visual_tokens\":%zu,\"memory\":{\"loaded\":%.0f,\"peak\":%.0f}}\n",
           llama_version(), load, encoding, prefill, text_prefill, encoding + prefill, decode, all, visual, loaded, peak);
}
