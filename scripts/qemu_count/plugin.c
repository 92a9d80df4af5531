/* A plugin for qemu's user-mode emulation: how many instructions a program executes between marks. A mark is a call of
 * getppid, which neither distill nor llama.cpp makes on its own. Prints one line for each: "mark N: instructions".
 * With the argument "symbols" the functions that took most follow it (static programs only).
 *
 * Debian's qemu comes without the header of its plugin interface (docs/devel/tcg-plugins in qemu's documentation), so the
 * few functions used are declared here: version 1 of the interface, qemu 4.2 to 8. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, void (*f)(qemu_plugin_id_t, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t id,
                                          void (*f)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                                                    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* tb, enum qemu_plugin_op op, void* counter, uint64_t n);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* tb, size_t i);
const char* qemu_plugin_insn_symbol(const struct qemu_plugin_insn* insn);
void qemu_plugin_outs(const char* text);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { kGetppid = 173, kMaxSymbols = 4096, kShown = 12 };

struct Counter {
    const char* symbol;
    uint64_t executed;
};
static struct Counter counters[kMaxSymbols]; /* the last one takes whatever finds no room */
static int n_counters, n_marks;
static bool by_symbol;

static struct Counter* counter_of(const char* symbol) {
    for (int i = 0; i < n_counters; ++i) {
        if (strcmp(counters[i].symbol, symbol) == 0) return &counters[i];
    }
    if (n_counters + 1 == kMaxSymbols) return &counters[kMaxSymbols - 1];
    counters[n_counters].symbol = strdup(symbol);
    return &counters[n_counters++];
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
    (void)id;
    const char* symbol = by_symbol ? qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(tb, 0)) : NULL;
    struct Counter* c = counter_of(symbol == NULL ? "(no symbol)" : symbol);
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &c->executed, qemu_plugin_tb_n_insns(tb));
}

static void system_call(qemu_plugin_id_t id, unsigned cpu, int64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                        uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
    (void)id, (void)cpu, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
    if (number != kGetppid) return;
    uint64_t total = 0;
    for (int i = 0; i < kMaxSymbols; ++i) total += counters[i].executed;
    char line[512];
    snprintf(line, sizeof line, "mark %d: %" PRIu64 "\n", n_marks++, total);
    qemu_plugin_outs(line);
    for (int shown = 0; by_symbol && shown < kShown; ++shown) {
        struct Counter* most = &counters[0];
        for (int i = 1; i < kMaxSymbols; ++i) {
            if (counters[i].executed > most->executed) most = &counters[i];
        }
        if (most->executed == 0) break;
        snprintf(line, sizeof line, "  %12" PRIu64 " %.400s\n", most->executed, most->symbol);
        qemu_plugin_outs(line);
        most->executed = 0;
    }
    for (int i = 0; i < kMaxSymbols; ++i) counters[i].executed = 0;
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int argc, char** argv) {
    (void)info;
    for (int i = 0; i < argc; ++i) by_symbol = by_symbol || strncmp(argv[i], "symbols", 7) == 0;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, system_call);
    return 0;
}
