// Every encoder against our own decoders, and against plain rounding: scales from the largest weight, nearest levels.
#include "quant/encode.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/gguf_builder.h"

namespace distill::test {
namespace {

using Weights = std::vector<float>;

const Format& format_of(FormatId id) {
    return *find_format(static_cast<std::uint32_t>(id));
}

// Encoded to an unaligned address and decoded again.
Weights round_trip(const Encoder& encoder, const Weights& x) {
    const Format& format = format_of(encoder.id);
    std::vector<std::byte> bytes(format.row_bytes(x.size()) + 1);
    encoder.encode(bytes.data() + 1, x.data(), x.size());
    Weights y(x.size());
    format.dequantize(y.data(), bytes.data() + 1, x.size());
    return y;
}

double rms_error(const Weights& x, const Weights& y) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double e = static_cast<double>(x[i]) - static_cast<double>(y[i]);
        sum += e * e;
    }
    return std::sqrt(sum / static_cast<double>(x.size()));
}

float half(float x) {
    return f16_to_f32(f32_to_f16(x));
}
float level(float x, float d, float low, float high) {
    return d == 0 ? 0 : std::clamp(std::nearbyint(x / d), low, high);
}
float extreme(const float* x, std::size_t n) {
    return *std::max_element(x, x + n, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
}

// What plain rounding makes of the weights, per format.
Weights plain_rounding(FormatId id, const Weights& x) {
    Weights y(x.size());
    const auto blocks = [&](std::size_t n, const std::function<void(float*, const float*)>& each) {
        for (std::size_t i = 0; i < x.size(); i += n) each(y.data() + i, x.data() + i);
    };
    const auto one_scale = [&](float low, float high) {
        blocks(32, [&](float* out, const float* in) {
            const float d = half(extreme(in, 32) / low);
            for (int i = 0; i < 32; ++i) out[i] = d * level(in[i], d, low, high);
        });
    };
    const auto scale_and_minimum = [&](float high) {
        blocks(32, [&](float* out, const float* in) {
            const auto [low, top] = std::minmax_element(in, in + 32);
            const float d = half((*top - *low) / high), m = half(*low);
            for (int i = 0; i < 32; ++i) out[i] = d * level(in[i] - m, d, 0, high) + m;
        });
    };
    const auto k_quant = [&](float high) {
        blocks(256, [&](float* out, const float* in) {
            float scales[8], minima[8];
            for (int g = 0; g < 8; ++g) {
                const auto [low, top] = std::minmax_element(in + 32 * g, in + 32 * g + 32);
                minima[g] = -std::min(*low, 0.0f);
                scales[g] = (std::max(*top, -minima[g]) + minima[g]) / high;
            }
            const float d = half(*std::max_element(scales, scales + 8) / 63);
            const float dmin = half(*std::max_element(minima, minima + 8) / 63);
            for (int i = 0; i < 256; ++i) {
                const float scale = d * level(scales[i / 32], d, 0, 63),
                            min = dmin * level(minima[i / 32], dmin, 0, 63);
                out[i] = scale * level(in[i] + min, scale, 0, high) - min;
            }
        });
    };
    switch (id) {
        case FormatId::q8_0:
            one_scale(-127, 127);
            break;
        case FormatId::q4_0:
            one_scale(-8, 7);
            break;
        case FormatId::q5_0:
            one_scale(-16, 15);
            break;
        case FormatId::q4_1:
            scale_and_minimum(15);
            break;
        case FormatId::q5_1:
            scale_and_minimum(31);
            break;
        case FormatId::q4_k:
            k_quant(15);
            break;
        case FormatId::q5_k:
            k_quant(31);
            break;
        case FormatId::q6_k:
            blocks(256, [&](float* out, const float* in) {
                float scales[16];
                for (int g = 0; g < 16; ++g) scales[g] = extreme(in + 16 * g, 16) / -32;
                const float d = half(extreme(scales, 16) / -128);
                for (int i = 0; i < 256; ++i) {
                    const float scale = d * level(scales[i / 16], d, -128, 127);
                    out[i] = scale * level(in[i], scale, -32, 31);
                }
            });
            break;
        default:
            y = x;
    }
    return y;
}

// Kinds of weights a model may have.
std::vector<std::pair<std::string, Weights>> samples() {
    constexpr std::size_t kN = 256 * 64;
    Random random{7};
    const auto make = [&](const std::function<float(std::size_t)>& each) {
        Weights x(kN);
        for (std::size_t i = 0; i < kN; ++i) x[i] = each(i);
        return x;
    };
    const auto uniform = [&] { return static_cast<float>(random.below(1u << 20)) / static_cast<float>(1u << 20); };
    return {
        {"normal", make([&](std::size_t) { return random.normal(); })},
        {"small", make([&](std::size_t) { return 0.02f * random.normal(); })},
        {"uniform", make([&](std::size_t) { return 2 * uniform() - 1; })},
        {"positive", make([&](std::size_t) { return 1 + uniform(); })},
        {"negative", make([&](std::size_t) { return -1 - 0.1f * uniform(); })},
        {"outliers", make([&](std::size_t i) { return random.normal() * (i % 97 == 0 ? 20.0f : 1.0f); })},
        {"rows of different size",
         make([&](std::size_t i) { return random.normal() * std::exp2(static_cast<float>(i / 32 % 8)); })},
        {"large", make([&](std::size_t) { return 10'000 * random.normal(); })},
    };
}

TEST_CASE("each encoder is at least as good as plain rounding, and as good as its bits allow", "[encode][slow]") {
    // Root mean square error over that of the weights, for a normal distribution.
    const auto bound = [](FormatId id) {
        switch (id) {
            case FormatId::f32:
                return 0.0;
            case FormatId::f16:
                return 3e-4;
            case FormatId::bf16:
                return 2.2e-3;
            case FormatId::q8_0:
                return 0.006;
            case FormatId::q6_k:
                return 0.020;
            case FormatId::q5_k:
            case FormatId::q5_1:
                return 0.040;
            case FormatId::q5_0:
                return 0.045;
            default:
                return 0.090;
        }
    };
    for (const auto& [name, x] : samples()) {
        for (const Encoder& encoder : encoders()) {
            const double error = rms_error(x, round_trip(encoder, x));
            INFO(format_of(encoder.id).name << ", " << name);
            // The formats without offset are made for weights around zero.
            CHECK(std::isfinite(error));
            CHECK(error <= rms_error(x, plain_rounding(encoder.id, x)) * (1 + 1e-6) +
                               (encoder.id == FormatId::f16    ? 1e-2 * rms_error(x, Weights(x.size()))
                                : encoder.id == FormatId::bf16 ? 1e-2 * rms_error(x, Weights(x.size()))
                                                               : 0));
            if (name == "normal" || name == "small") {
                CHECK(error <= bound(encoder.id) * rms_error(x, Weights(x.size())));
            }
        }
    }
}

TEST_CASE("searching for the scale pays", "[encode]") {
    const Weights x = samples()[0].second;
    for (const FormatId id :
         {FormatId::q4_0, FormatId::q4_1, FormatId::q5_0, FormatId::q4_k, FormatId::q5_k, FormatId::q6_k}) {
        INFO(format_of(id).name);
        CHECK(rms_error(x, round_trip(*find_encoder(id), x)) < 0.97 * rms_error(x, plain_rounding(id, x)));
    }
}

TEST_CASE("weights that a format holds come back exactly", "[encode]") {
    Random random{3};
    const auto grid = [&](int low, int high, float d) {
        Weights x(256 * 8);
        for (float& w : x) {
            w = d *
                static_cast<float>(low + static_cast<int>(random.below(static_cast<std::uint64_t>(high - low + 1))));
        }
        for (std::size_t i = 0; i < x.size(); i += 16) x[i] = d * static_cast<float>(low);  // the range is used
        for (std::size_t i = 1; i < x.size(); i += 16) x[i] = d * static_cast<float>(high);
        return x;
    };
    const auto exact = [](FormatId id, const Weights& x) {
        INFO(format_of(id).name);
        CHECK(round_trip(*find_encoder(id), x) == x);
    };
    exact(FormatId::q8_0, grid(-127, 127, 0.25f));
    exact(FormatId::q4_0, grid(-8, 7, 0.5f));
    exact(FormatId::q4_0, grid(-8, 7, -0.5f));
    exact(FormatId::q5_0, grid(-16, 15, 2.0f));
    exact(FormatId::q4_1, grid(0, 15, 0.5f));
    exact(FormatId::q5_1, grid(0, 31, 0.5f));
    // A power of two for d, 63 for every group.
    exact(FormatId::q4_k, grid(0, 15, 63.0f / 128));
    exact(FormatId::q5_k, grid(0, 31, 63.0f / 128));
    exact(FormatId::q6_k, grid(-32, 31, 0.5f));
    exact(FormatId::f16, grid(-2000, 2000, 0.5f));
    exact(FormatId::bf16, grid(-255, 255, 0.5f));
    exact(FormatId::f32, samples()[0].second);
}

TEST_CASE("weights at the edges", "[encode]") {
    for (const Encoder& encoder : encoders()) {
        INFO(format_of(encoder.id).name);
        const auto all = [](float value) { return Weights(256, value); };
        CHECK(round_trip(encoder, all(0)) == all(0));
        CHECK(round_trip(encoder, all(-0.0f)) == all(0));
        for (const float value : {1.0f, -1.0f, 65504.0f, -65504.0f}) {
            const Weights y = round_trip(encoder, all(value));
            for (const float w : y) CHECK(std::fabs(w - value) <= 0.01f * std::fabs(value));
        }
        // Below what f16 scales reach: zero is near enough, nonsense is not.
        for (const float tiny : {1e-8f, 1e-30f, 1e-40f, -1e-42f}) {
            for (const float w : round_trip(encoder, all(tiny))) CHECK(std::fabs(w - tiny) <= 1e-6f);
        }
        Weights one(256, 0.0f);
        one[100] = -3;
        const Weights y = round_trip(encoder, one);
        for (std::size_t i = 0; i < 256; ++i) CHECK(std::fabs(y[i] - one[i]) <= (i == 100 ? 0.05f : 0.01f));
        Weights mixed(256, 1e-6f);
        mixed[0] = 65504;
        mixed[1] = -65504;
        for (const float w : round_trip(encoder, mixed)) CHECK(std::isfinite(w));
    }
}

TEST_CASE("every decodable plain format has an encoder or is known to have none", "[encode]") {
    for (const Format& format : formats()) {
        const bool only_read = format.id == FormatId::q2_k || format.id == FormatId::q3_k ||
                               format.id == FormatId::iq4_nl || format.id == FormatId::iq4_xs;
        INFO(format.name);
        CHECK((find_encoder(format.id) == nullptr) == only_read);
    }
}

TEST_CASE("bf16 rounds to nearest even", "[encode]") {
    const Weights x = {1.0f, 1.00390625f, 1.01171875f, 1.005f, -3.3895e38f, 1e-40f};
    const Weights y = round_trip(*find_encoder(FormatId::bf16), x);
    CHECK(y[0] == 1.0f);
    CHECK(y[1] == 1.0f);       // half way, down to even
    CHECK(y[2] == 1.015625f);  // half way, up to even
    CHECK(y[3] == 1.0078125f);
    CHECK(std::isfinite(y[4]));
}

}  // namespace
}  // namespace distill::test
