// The line editor, fed with the bytes of a terminal and looked at through a small terminal of our own.
#include "cli/line_editor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "cli/history.h"
#include "cli/text_width.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_builder.h"
#include "tests/support/screen.h"

namespace distill::test {
namespace {

constexpr std::string_view kFamily = "👨‍👩‍👧";
constexpr std::string_view kFlag = "🇨🇳";
constexpr std::string_view kHeart = "❤️";

// One editor on two pipes. What is typed is read at once; then a read of the keyboard finds its end.
class Desk {
  public:
    explicit Desk(int columns = 20, int rows = 6, std::vector<std::string> past = {})
        : size_{columns, rows}, screen(columns, rows), history("") {
        for (const std::string& entry : past) history.add(entry);
        REQUIRE(::pipe2(keys_.data(), O_CLOEXEC) == 0);
        REQUIRE(picture_ >= 0);
        settings.input = keys_[0];
        settings.output = picture_;
        settings.window_size = [this] { return size_; };
        settings.prompt = ">>> ";
        settings.more_prompt = "... ";
        settings.search_label = "search";
        settings.too_long = "too long";
    }
    ~Desk() {
        for (const int fd : {keys_[0], keys_[1], picture_}) ::close(fd);
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    // Types, and returns the line that was sent; "(end)" and "(interrupted)" for the other ways out. Between the pieces
    // the editor draws.
    std::string type(std::vector<std::string> pieces, bool leave_open = false) {
        std::size_t next = 0;
        settings.wait = [&, this](int patience) {
            look();
            if (next == pieces.size()) {
                if (patience >= 0) return Wake::late;
                if (leave_open) ::close(std::exchange(keys_[1], -1));
                return leave_open ? Wake::input : Wake::interrupted;
            }
            const std::string& piece = pieces[next];
            if (piece == "(late)") {
                ++next;
                return Wake::late;
            }
            if (piece.starts_with("(resize ")) {
                size_.columns = std::stoi(piece.substr(8));
                screen.resize(size_.columns);
                ++next;
                return Wake::resized;
            }
            if (patience >= 0 && piece.empty()) return Wake::late;
            REQUIRE(::write(keys_[1], piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()));
            ++next;
            return Wake::input;
        };
        LineEditor editor(settings, history);
        std::string line;
        const LineEditor::Result result = editor.read(line);
        look();
        touched = editor.touched();
        CHECK(screen.complaints().empty());
        return result == LineEditor::Result::line  ? line
               : result == LineEditor::Result::end ? "(end)"
                                                   : "(interrupted)";
    }
    std::string send(std::string text) { return type({std::move(text) + "\r"}); }

  private:
    void look() {
        std::array<char, 65536> chunk;
        last_look.clear();
        for (ssize_t n = 0; (n = ::pread(picture_, chunk.data(), chunk.size(), seen_)) > 0; seen_ += n) {
            last_look.append(chunk.data(), static_cast<std::size_t>(n));
        }
        screen.feed(last_look);
        pictures.push_back(screen.text());
    }
    WindowSize size_;
    std::array<int, 2> keys_{};
    int picture_ = ::memfd_create("picture", MFD_CLOEXEC);  // what the editor draws: a file takes any amount
    off_t seen_ = 0;

  public:
    EditorSettings settings;
    Screen screen;
    History history;
    std::string last_look;
    std::vector<std::string> pictures;  // at each wait for a key
    bool touched = false;
};

std::string sent(const std::string& keys) {
    Desk desk(60, 10);
    return desk.send(keys);
}

TEST_CASE("what looks like one character is one, as wide as it is shown", "[editor]") {
    struct Row {
        std::string_view text;
        int width;
    };
    for (const Row& row :
         {Row{"a", 1}, Row{"中", 2}, Row{"e\u0301", 1}, Row{"😀", 2}, Row{kFamily, 2}, Row{kFlag, 2}, Row{kHeart, 2},
          Row{"❤", 1}, Row{"1️⃣", 2}, Row{"👍🏽", 2}, Row{"한", 2}, Row{"\u1112\u1161\u11ab", 2},
          Row{"\xff", 1}, Row{"\xe4\xb8", 1}, Row{"\n", 0}, Row{"ｱ", 1}, Row{"，", 2}}) {
        INFO("'" << row.text << "'");
        const std::string all = std::string(row.text) + "x";
        CHECK(cluster_at(all, 0).size == row.text.size());
        CHECK(cluster_at(all, 0).width == row.width);
    }
    const std::string line = "a中e\u0301" + std::string(kFamily) + std::string(kFlag) + std::string(kFlag);
    CHECK(text_width(line) == 1 + 2 + 1 + 2 + 2 + 2);
    CHECK(cluster_before(line, line.size()) == line.size() - kFlag.size());
    CHECK(cluster_before("ab\n", 3) == 2);
}

TEST_CASE("text from outside is made clean", "[editor][hostile]") {
    CHECK(clean_text("a\r\nb\rc\td") == "a\nb\nc\td");
    CHECK(clean_text("a\x1b[31mb\x07\x7f\xc2\x9b") == "a[31mb");
    CHECK(clean_text("\xff\xe4\xb8") == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("typing and the keys that move and delete", "[editor]") {
    CHECK(sent("hello") == "hello");
    CHECK(sent("helo\x1b[D\x1b[Dl") == "hello");
    CHECK(sent("bc\x01"
               "a\x05"
               "d") == "abcd");
    CHECK(sent("xbc\x1b[H\x1b[3~a\x1b[F\x7f\x7f"
               "z") == "az");
    CHECK(sent("one two\x17three") == "one three");
    CHECK(sent("one two\x15three") == "three");
    CHECK(sent("one two\x01\x0bthree") == "three");
    CHECK(sent("one two\x17\x01\x19 ") == "two one ");
    CHECK(sent("one two\x1b"
               "bX") == "one Xtwo");
    CHECK(sent("one two\x01\x1b"
               "fX") == "oneX two");
    CHECK(sent("one two\x01\x1b"
               "d") == " two");
    CHECK(sent("one two\x1b\x7f") == "one ");
    CHECK(sent("one two\x1b[1;5DX") == "one Xtwo");
    CHECK(sent("ab\x02\x02\x06X") == "aXb");
    CHECK(sent("ab\x01\x04") == "b");
    // Words killed one after another come back together.
    CHECK(sent("one two three\x17\x17 \x19") == "one  two three");
}

TEST_CASE("whole characters are deleted and stepped over", "[editor]") {
    for (const std::string_view unit :
         {std::string_view("中"), std::string_view("e\u0301"), kFamily, kFlag, kHeart, std::string_view("👍🏽")}) {
        INFO(unit);
        const std::string one(unit);
        CHECK(sent("a" + one + "\x7f") == "a");
        CHECK(sent("a" + one + "\x1b[Db") == "ab" + one);
        CHECK(sent(one + "a\x01\x1b[3~") == "a");
        CHECK(sent(one + one + "\x01\x1b[CX") == one + "X" + one);
    }
    CHECK(sent("你好 世界\x17") == "你好 ");
}

TEST_CASE("the cursor stands where the text says", "[editor]") {
    Desk desk(20, 6);
    desk.type({"a中" + std::string(kFamily) + std::string(kFlag)});
    CHECK(desk.screen.row(0) == ">>> a中" + std::string(kFamily) + std::string(kFlag));
    Desk moved(20, 6);
    std::vector<int> columns;
    moved.settings.complete = [&](std::string_view) {
        columns.push_back(moved.screen.cursor_column());
        return Completion{};
    };
    const std::string left = "\x1b[D";
    moved.type({"a中" + std::string(kFamily) + "e\u0301" + std::string(kFlag), "\t", left, "\t", left, "\t", left, "\t",
                left, "\t", left, "\t"});
    CHECK(columns == std::vector<int>{12, 10, 9, 7, 5, 4});
}

TEST_CASE("long lines wrap, a wide character never at half", "[editor]") {
    Desk desk(10, 6);
    std::vector<std::pair<int, int>> places;
    desk.settings.complete = [&](std::string_view) {
        places.emplace_back(desk.screen.cursor_row(), desk.screen.cursor_column());
        return Completion{};
    };
    // No room for a prompt in so narrow a window.
    desk.type({"abcdefghi中x", "\t", "\x01", "\t", "\x05\x7f\x7f", "\t", "j", "\t", "k", "\t"});
    CHECK(places == std::vector<std::pair<int, int>>{{1, 3}, {0, 0}, {0, 9}, {1, 0}, {1, 1}});
    CHECK(desk.screen.row(0) == "abcdefghij");
    CHECK(desk.screen.row(1) == "k");
    Desk wide(13, 6);
    wide.type({"一二三四五六七"});
    CHECK(wide.screen.row(0) == ">>> 一二三四");
    CHECK(wide.screen.row(1) == "五六七");
}

TEST_CASE("a text taller than the window shows the part around the cursor, and all of it when sent", "[editor]") {
    Desk desk(20, 4);
    std::string paste, want;
    for (int i = 1; i <= 12; ++i) paste += (i > 1 ? "\r" : "") + ("line " + std::to_string(i));
    std::vector<std::string> pictures;
    desk.settings.complete = [&](std::string_view) {
        pictures.push_back(desk.screen.text());
        return Completion{};
    };
    std::string up;
    for (int i = 0; i < 11; ++i) up += "\x1b[A";
    const std::string line = desk.type({"\x1b[200~" + paste + "\x1b[201~", "\t", up, "\t", "\r"});
    CHECK(pictures == std::vector<std::string>{"... line 9\n... line 10\n... line 11\n... line 12",
                                               ">>> line 1\n... line 2\n... line 3\n... line 4"});
    CHECK(line.substr(0, 13) == "line 1\nline 2");
    const std::string all = desk.screen.all_text();
    CHECK(
        all.ends_with(">>> line 1\n... line 2\n... line 3\n... line 4\n... line 5\n... line 6\n... line 7\n... line 8\n"
                      "... line 9\n... line 10\n... line 11\n... line 12"));
}

TEST_CASE("a paste is one text, whatever it holds", "[editor]") {
    std::string paste, want;
    for (int i = 0; i < 100; ++i) {
        paste += "第 " + std::to_string(i) + " 行\r\n";
        want += "第 " + std::to_string(i) + " 行\n";
    }
    Desk desk(40, 12);
    CHECK(desk.type({"\x1b[200~" + paste.substr(0, 700), paste.substr(700), "\x1b[20", "1~", "end\r"}) == want + "end");
    CHECK(sent("\x1b[200~a\x03\x04\x1b[31mb\tc\x1b[201~d") == "a[31mb\tcd");
    // One that never ends must not swallow the keyboard for good.
    Desk cut;
    CHECK(cut.type({"\x1b[200~abc", "(late)", "d\r"}) == "abcd");
    // Only so much is taken.
    Desk huge(40, 6);
    std::string much(LineEditor::kMaxText - 10, 'x');
    std::vector<std::string> pieces = {"\x1b[200~"};
    for (std::size_t at = 0; at < much.size(); at += 4000) pieces.push_back(much.substr(at, 4000));
    pieces.insert(pieces.end(), {"\x1b[201~", "\x1b[200~12345678901\x1b[201~", "1234567890\r"});
    CHECK(huge.type(pieces) == much + "1234567890");
    CHECK(contains(huge.screen.all_text(), "too long"));
}

TEST_CASE("bytes that mean nothing do nothing", "[editor][hostile]") {
    CHECK(sent("a\xff\xe4\xb8"
               "b") ==
          "a\xef\xbf\xbd\xef\xbf\xbd"
          "b");
    CHECK(sent("a\x1b[99;99Xb\x1b[?1;2cc\x1bOPd\x1b[[Ae\x1b]11;rgb:0/0/0\x07"
               "f") == "abcdef");
    CHECK(sent(std::string("a\0\x1c\x1d\x1e\x1f\xc2\x9b"
                           "b",
                           9)) == "ab");
    CHECK(sent("\x1b[" + std::string(500, '1') + "A\x15ok") == "ok");
    // A character in two pieces is one; half of one that nothing follows is none.
    Desk desk;
    CHECK(desk.type({"\xe4\xb8", "\xad", "\xe4", "(late)", "\r"}) == "中\xef\xbf\xbd");
    Desk alone;
    CHECK(alone.type({"a\x1b", "(late)", "b\r"}) == "ab");
    Random random(5);
    for (int round = 0; round < 300; ++round) {
        std::vector<std::string> pieces;
        for (std::uint64_t i = 0; i < 1 + random.below(4); ++i) {
            std::string piece;
            for (std::uint64_t n = 0; n < random.below(30); ++n) {
                static constexpr std::string_view kLikely = "\x1b[200~1;5ABCDOH\t\x7f\x12\x17";
                piece +=
                    random.below(2) == 0 ? kLikely[random.below(kLikely.size())] : static_cast<char>(random.below(256));
            }
            pieces.push_back(piece);
            if (piece.empty()) pieces.back() = "x";
        }
        Desk noise(static_cast<int>(1 + random.below(30)), static_cast<int>(1 + random.below(5)),
                   {"one", "two\nthree 中"});
        noise.settings.complete = [](std::string_view text) { return Completion{text.size(), {"x", "y"}}; };
        const std::string line = noise.type(pieces);
        REQUIRE(clean_text(line) == line);
    }
}

TEST_CASE("several lines in one message", "[editor]") {
    CHECK(sent("one\ntwo") == "one\ntwo");
    CHECK(sent("one\x1b\rtwo") == "one\ntwo");
    Desk desk(30, 6);
    desk.settings.finished = [](std::string& text) { return text.ends_with("!"); };
    CHECK(desk.send("one\rtwo!") == "one\ntwo!");
    CHECK(desk.screen.text() == ">>> one\n... two!");
    // Up and down keep the column over a shorter line, and leave the text at its ends only.
    CHECK(sent("long line\nab\nlonger line\x1b[A\x1b[AX") == "long lineX\nab\nlonger line");
    CHECK(sent("abc\nde\x1b[AX\x1b[BY") == "abXc\ndeY");
    CHECK(sent("one\ntwo\x01\x7f") == "onetwo");
    CHECK(sent("one\ntwo\x1b[A\x05\x0b") == "onetwo");
}

TEST_CASE("history: up, down and what was being typed", "[editor]") {
    const std::string up = "\x1b[A", down = "\x1b[B";
    const std::vector<std::string> past = {"first", "second\nline", "第三"};
    const auto recalled = [&](const std::string& keys) {
        Desk desk(30, 6, past);
        return desk.send(keys);
    };
    CHECK(recalled(up) == "第三");
    CHECK(recalled(up + up) == "second\nline");
    CHECK(recalled(up + up + up + up) == "first");  // the third moves inside the text
    CHECK(recalled("typed" + up + down) == "typed");
    CHECK(recalled(up + "x" + up + down) == "第三x");
    CHECK(recalled("\x10\x10\x10\x0e") == "second\nline");
    CHECK(recalled(up + up + up + up + up + up) == "first");
}

TEST_CASE("history: incremental search", "[editor]") {
    const std::vector<std::string> past = {"red apple", "green pear", "green apple"};
    const auto found = [&](const std::string& keys) {
        Desk desk(60, 6, past);
        return desk.send(keys);
    };
    CHECK(found("\x12"
                "apple") == "green apple");
    CHECK(found("\x12"
                "apple\x12") == "red apple");
    CHECK(found("\x12"
                "gree\x12") == "green pear");
    CHECK(found("\x12"
                "apple\x12\x12") == "red apple");
    CHECK(found("typed\x12"
                "pear\x07") == "typed");
    CHECK(found("\x12"
                "applx\x7f\x7fl\x12") == "red apple");
    CHECK(found("\x12"
                "pear\x01X") == "Xgreen pear");
    Desk desk(60, 6, past);
    desk.type(
        {"\x12"
         "app",
         "X"});
    CHECK(std::find(desk.pictures.begin(), desk.pictures.end(), "(search ?) appX: green apple") != desk.pictures.end());
}

TEST_CASE("Tab completes what it is told to", "[editor]") {
    Desk desk(40, 6);
    std::vector<std::string> words = {"/clear", "/context", "/ctx"};
    desk.settings.complete = [&](std::string_view text) {
        Completion offer;
        for (const std::string& word : words) {
            if (word.starts_with(text)) offer.candidates.push_back(word);
        }
        return offer;
    };
    CHECK(desk.send("/cl\t") == "/clear ");
    CHECK(desk.send("/co\tx") == "/context x");
    CHECK(desk.type({"/c", "\t", "l", "\t", "\r"}) == "/clear ");
    CHECK(contains(desk.screen.all_text(), "/clear  /context  /ctx\n>>> /c"));
    CHECK(desk.send("nothing\t") == "nothing");
    words = {"中文一", "中文二"};
    CHECK(desk.send("中\t") == "中文");
}

TEST_CASE("Ctrl-C, Ctrl-D and the end of the terminal", "[editor]") {
    Desk desk;
    CHECK(desk.type({"\x03"}) == "(interrupted)");
    CHECK_FALSE(desk.touched);
    CHECK(desk.type({"abc\x03"}) == "(interrupted)");
    CHECK(desk.touched);
    CHECK(desk.send("next") == "next");
    CHECK(desk.type({"\x04"}) == "(end)");
    CHECK(desk.type({"abc"}, true) == "(end)");
}

TEST_CASE("a window that changes its width is drawn anew", "[editor]") {
    Desk desk(40, 8);
    CHECK(desk.type({"一二三四五六七八九十", "(resize 14)"}) == "(interrupted)");
    // This terminal does not reflow: what no longer fits is cut off, and drawn again below.
    CHECK(desk.screen.text() == ">>> 一二三四五\n六七八九十");
}

TEST_CASE("typing at the end costs little", "[editor]") {
    Desk desk(80, 24);
    std::size_t most = 0;
    desk.settings.complete = [&](std::string_view) {
        most = std::max(most, desk.last_look.size());
        return Completion{};
    };
    std::vector<std::string> pieces;
    for (int i = 0; i < 60; ++i) pieces.insert(pieces.end(), {"x", "\t"});
    desk.type(pieces);
    CHECK(most > 0);
    CHECK(most < 120);
}

}  // namespace
}  // namespace distill::test
