/* usage: peer MODEL LIBRARY_FOLDER N_PROMPT      llama.cpp's side of ours.cpp: the same tokens, the same marks
 *
 * Declares the few functions of llama.cpp's C interface that it calls. Parameter structures are passed on as the library
 * makes them: on ARM a structure of more than 16 bytes travels by its address, so its layout need not be known here. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct opaque { char bytes[1024]; };
struct llama_batch { int32_t n_tokens; int32_t* token; float* embd; int32_t* pos; int32_t* n_seq_id; int32_t** seq_id; int8_t* logits; };
struct llama_model;
struct llama_context;

void ggml_backend_load_all_from_path(const char* folder);
struct opaque llama_model_default_params(void);
struct opaque llama_context_default_params(void);
struct llama_model* llama_model_load_from_file(const char* path, struct opaque params);
struct llama_context* llama_init_from_model(struct llama_model* model, struct opaque params);
void llama_set_n_threads(struct llama_context* context, int32_t n_threads, int32_t n_threads_batch);
struct llama_batch llama_batch_get_one(int32_t* tokens, int32_t n);
int32_t llama_decode(struct llama_context* context, struct llama_batch batch);
float* llama_get_logits_ith(struct llama_context* context, int32_t i);
void* llama_get_memory(const struct llama_context* context);
void llama_memory_clear(void* memory, _Bool data);

static void decode(struct llama_context* context, int32_t* tokens, int32_t n) {
    if (llama_decode(context, llama_batch_get_one(tokens, n)) != 0 || llama_get_logits_ith(context, -1) == NULL) {
        fprintf(stderr, "peer: llama_decode failed\n");
        exit(1);
    }
}

int main(int argc, char** argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: peer MODEL LIBRARY_FOLDER N_PROMPT\n");
        return 2;
    }
    ggml_backend_load_all_from_path(argv[2]);
    struct llama_model* model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (model == NULL) return 1;
    struct llama_context* context = llama_init_from_model(model, llama_context_default_params());
    if (context == NULL) return 1;
    llama_set_n_threads(context, 1, 1);
    int32_t first = 1;
    decode(context, &first, 1);
    llama_memory_clear(llama_get_memory(context), 1);
    const int32_t n = atoi(argv[3]);
    int32_t* prompt = malloc(sizeof *prompt * (size_t)n);
    for (int32_t i = 0; i < n; ++i) prompt[i] = 100 + 7 * i;
    getppid();
    decode(context, prompt, n);
    getppid();
    for (int32_t i = 0; i < 4; ++i) {
        int32_t token = 200 + i;
        decode(context, &token, 1);
        getppid();
    }
    return 0;
}
