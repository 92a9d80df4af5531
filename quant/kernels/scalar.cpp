// The table every CPU runs: plain C++ in the shape of a 16-lane register, each operation a function of its
// own: it is slow, and quick to compile.
#include <algorithm>
#include <bit>

#include "quant/f16.h"
#include "quant/kernels/float_ops.h"
#include "quant/kernels/matmul.h"

#define DISTILL_CALL __attribute__((noinline))

namespace distill {
namespace {

struct Scalar {
    struct U8 {
        std::uint8_t v[64];
    };
    struct I32 {
        std::int32_t v[16];
    };
    struct F32 {
        float v[16];
    };
    struct X4 {
        std::int8_t v[4];
    };
    static constexpr std::size_t kLanes = 16, kGroup = 2, kMaxTile = 2, kPrefetchStep = 64;
    static constexpr std::size_t kFloatTile = 2, kFloatTokens = 4;

    template <class F>
    static F32 each(F&& f) {
        F32 r;
        for (std::size_t i = 0; i < 16; ++i) r.v[i] = f(i);
        return r;
    }
    template <class F>
    static U8 each_byte(F&& f) {
        U8 r;
        for (std::size_t i = 0; i < 64; ++i) r.v[i] = static_cast<std::uint8_t>(f(i));
        return r;
    }

    DISTILL_CALL static U8 load(const std::uint8_t* p) {
        return each_byte([&](std::size_t i) { return p[i]; });
    }
    DISTILL_CALL static U8 masked(const U8& v, int mask) {
        return each_byte([&](std::size_t i) { return v.v[i] & mask; });
    }
    static U8 low(const U8& v) { return masked(v, 15); }
    DISTILL_CALL static U8 high(const U8& v) {
        return each_byte([&](std::size_t i) { return v.v[i] >> 4; });
    }
    template <int kBits>
    DISTILL_CALL static U8 shift_right(const U8& v) {
        return each_byte([&](std::size_t i) {
            if constexpr (kBits >= 0) return v.v[i] >> kBits;
            else return v.v[i] << -kBits;
        });
    }
    DISTILL_CALL static U8 merge(const U8& base, const U8& bits, int mask) {
        return each_byte([&](std::size_t i) { return base.v[i] | (bits.v[i] & mask); });
    }
    DISTILL_CALL static U8 lookup(const std::uint8_t* table, const U8& index) {
        return each_byte([&](std::size_t i) { return table[index.v[i]]; });
    }
    static X4 broadcast4(const std::int8_t* p) { return {p[0], p[1], p[2], p[3]}; }

    template <int, int kOffset>
    struct Dot {
        I32 total;
        DISTILL_CALL void start(const std::int32_t* minus_8_sum) {
            for (std::int32_t& s : total.v) s = *minus_8_sum * kOffset / 8;
        }
        template <std::size_t, std::size_t>
        DISTILL_CALL void add(const U8& w, const X4& x) {
            for (std::size_t r = 0; r < 16; ++r) {
                for (std::size_t c = 0; c < 4; ++c) total.v[r] += w.v[4 * r + c] * x.v[c];
            }
        }
        I32 sum() const { return total; }
    };

    DISTILL_CALL static F32 f16(const std::uint16_t* p) {
        return each([&](std::size_t i) { return half_to_float(p[i]); });
    }
    DISTILL_CALL static F32 bf16(const std::uint16_t* p) {
        return each([&](std::size_t i) { return std::bit_cast<float>(std::uint32_t{p[i]} << 16); });
    }
    DISTILL_CALL static F32 u8_f32(const std::uint8_t* p) {
        return each([&](std::size_t i) { return static_cast<float>(p[i]); });
    }
    DISTILL_CALL static F32 s8_f32(const std::int8_t* p) {
        return each([&](std::size_t i) { return static_cast<float>(p[i]); });
    }
    DISTILL_CALL static F32 load_f32(const float* p) {
        return each([&](std::size_t i) { return p[i]; });
    }
    DISTILL_CALL static void store_f32(float* p, const F32& v) {
        for (std::size_t i = 0; i < 16; ++i) p[i] = v.v[i];
    }
    static void store_f16(std::uint16_t* p, const F32& v) {
        for (std::size_t i = 0; i < 16; ++i) p[i] = f32_to_f16(v.v[i]);
    }
    DISTILL_CALL static F32 to_f32(const I32& v) {
        return each([&](std::size_t i) { return static_cast<float>(v.v[i]); });
    }
    DISTILL_CALL static F32 set1(float v) {
        return each([&](std::size_t) { return v; });
    }
    DISTILL_CALL static F32 add(const F32& a, const F32& b) {
        return each([&](std::size_t i) { return a.v[i] + b.v[i]; });
    }
    DISTILL_CALL static F32 mul(const F32& a, const F32& b) {
        return each([&](std::size_t i) { return a.v[i] * b.v[i]; });
    }
    DISTILL_CALL static F32 fma(const F32& a, const F32& b, const F32& c) {  // two roundings: the baseline CPU has no fused one
        return each([&](std::size_t i) { return a.v[i] * b.v[i] + c.v[i]; });
    }
    DISTILL_CALL static F32 fnma(const F32& a, const F32& b, const F32& c) {
        return each([&](std::size_t i) { return c.v[i] - a.v[i] * b.v[i]; });
    }
    // Of 16 values: the largest magnitude, as a maximum of bit patterns so that NaN comes out on top.
    static float largest(const float* x) {
        std::uint32_t most = 0;
        for (std::size_t i = 0; i < 16; ++i) most = std::max(most, std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffffu);
        return std::bit_cast<float>(most);
    }
    // 1.5 * 2^23: a float that large has no room for a fraction, so adding it rounds to the nearest even integer.
    static constexpr float kRound = 12582912.0f;
    // For four factors, `stride` apart: the sum of squared distances of 16 values x * factor to the next integer.
    static void rounding_losses(float* losses, const float* x, const float* factor, std::size_t stride) {
        for (std::size_t s = 0; s < 4; ++s) {
            float loss = 0;
            for (std::size_t i = 0; i < 16; ++i) {
                const float v = x[i] * factor[s * stride], distance = v - ((v + kRound) - kRound);
                loss += distance * distance;
            }
            losses[s * stride] = loss;
        }
    }
    // q = x * inverse, rounded; returns the sum.
    static std::int32_t round(std::int8_t* q, const float* x, float inverse) {
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < 16; ++i) {
            q[i] = static_cast<std::int8_t>(std::bit_cast<std::int32_t>(x[i] * inverse + kRound) -
                                            std::bit_cast<std::int32_t>(kRound));
            sum += q[i];
        }
        return sum;
    }
    static void prefetch(const char*) {}
};

std::uint64_t integer_peak(std::uint64_t n, std::int32_t* sink) {
    Scalar::Dot<8, 0> dot;
    std::int32_t start = *sink;
    dot.start(&start);
    const Scalar::U8 w = Scalar::each_byte([](std::size_t i) { return i; });
    for (std::uint64_t k = 0; k < n; ++k) {
        const auto low = static_cast<std::int8_t>(dot.total.v[0]);
        dot.add<0, 1>(w, {low, 1, 2, 3});
    }
    *sink = dot.total.v[1];
    return n * 64;
}

}  // namespace

extern const Kernels kScalarKernels;
const Kernels kScalarKernels{"scalar", CpuFeatures{}, Scalar::kGroup, matmul_functions<Scalar, UsualProducts<Scalar>>(),
#if defined(__aarch64__)
                             float_ops<xsimd::neon64, Scalar>(),
#else
                             float_ops<xsimd::sse2, Scalar>(),
#endif
                             integer_peak};

}  // namespace distill
