#include "cli/messages.h"

#include <array>

namespace distill {

namespace {

struct Entry {
    Text text;
    std::string_view english, chinese;
};

constexpr std::array kEntries = {
    Entry{Text::greeting, "{}; /help lists the commands, Ctrl-D leaves", "{}；/help 列出命令，Ctrl-D 退出"},
    Entry{Text::again_leaves, "(Ctrl-C again leaves; so do Ctrl-D and /bye)",
          "（再按一次 Ctrl-C 退出；Ctrl-D 或 /bye 也可退出）"},
    Entry{Text::stopped, "(stopped)", "（已停止）"},
    Entry{Text::taken_back, "(stopped before the answer began: the question is taken back)",
          "（回答开始前已停止：问题已撤回）"},
    Entry{Text::cleared, "the conversation is forgotten", "对话已清空"},
    Entry{Text::forget_hint, "/forget drops the oldest question, /clear the whole conversation",
          "/forget 丢弃最早的一问一答，/clear 清空整个对话"},
    Entry{Text::unknown_command, "unknown command '{}'; /help lists them, // begins a message with a slash",
          "未知命令“{}”；/help 列出命令，以 // 开头可发送斜杠开头的消息"},
    Entry{Text::unknown_help, "there is no command '{}'; /help lists them", "没有命令“{}”；/help 列出命令"},
    Entry{Text::needs_argument, "{} needs {}; /help {} says more", "{} 需要参数 {}；详见 /help {}"},
    Entry{Text::takes_no_argument, "{} takes no argument", "{} 不带参数"},
    Entry{Text::slash_escape_help, "a message that begins with a slash", "发送以斜杠开头的消息"},
    Entry{Text::keys_help,
          "Enter sends; Ctrl-J, a \\ at the end of the line or \"\"\" ... \"\"\" make several lines; Tab completes; "
          "Ctrl-R searches;\nCtrl-C stops the answer, a second one leaves",
          "Enter 发送；Ctrl-J、行末的 \\ 或 \"\"\" ... \"\"\" 可输入多行；Tab 补全；Ctrl-R 搜索历史；\n"
          "Ctrl-C 停止回答，再按一次退出"},
    Entry{Text::nothing_to_regenerate, "there is no answer to make again", "没有可以重新生成的回答"},
    Entry{Text::nothing_to_undo, "there is nothing to take back", "没有可以撤回的内容"},
    Entry{Text::undone, "taken back: {}", "已撤回：{}"},
    Entry{Text::forgot_oldest, "forgotten: {}", "已丢弃：{}"},
    Entry{Text::saved, "saved to {}: {} messages", "已保存到 {}：{} 条消息"},
    Entry{Text::loaded, "loaded from {}: {} messages", "已从 {} 载入：{} 条消息"},
    Entry{Text::other_model, "{} was saved with another model ({}): the text is read afresh",
          "{} 由另一个模型（{}）保存：将重新读取文本"},
    Entry{Text::written, "written to {}", "已写入 {}"},
    Entry{Text::file_added, "{}: {} bytes go with the next message", "{}：{} 字节将随下一条消息发送"},
    Entry{Text::not_text, "this is no UTF-8 text", "不是 UTF-8 文本"},
    Entry{Text::set_to, "{} is {}", "{} 现为 {}"},
    Entry{Text::unknown_setting, "'{}' cannot be set; there are: {}", "无法设置“{}”；可用：{}"},
    Entry{Text::unknown_parameter, "there is no parameter '{}'; there are: {}", "没有参数“{}”；可用：{}"},
    Entry{Text::bad_value, "'{}' is no value for {}", "“{}”不是 {} 的有效值"},
    Entry{Text::parameter_names, "/set parameter NAME VALUE, with NAME one of: {}",
          "/set parameter 名称 值，名称可为：{}"},
    Entry{Text::show_names, "/show takes: {}", "/show 可用：{}"},
    Entry{Text::system_set, "the system prompt is set", "系统提示已设置"},
    Entry{Text::system_none, "there is no system prompt", "没有系统提示"},
    Entry{Text::think_on, "the model thinks before it answers", "模型先思考再回答"},
    Entry{Text::think_off, "the model answers without thinking; it does worse then",
          "模型不经思考直接回答；质量会下降"},
    Entry{Text::not_thinking_model, "this model does not think aloud: nothing changes", "此模型没有思考过程：没有变化"},
    Entry{Text::history_on, "lines are remembered", "记录输入历史"},
    Entry{Text::history_off, "lines are not remembered any more", "不再记录输入历史"},
    Entry{Text::verbose_on, "the speed is shown after each answer", "每次回答后显示速度"},
    Entry{Text::verbose_off, "the speed is not shown", "不显示速度"},
    Entry{Text::no_license, "the file does not state a licence", "文件未注明许可证"},
    Entry{Text::no_template, "the file has no chat template; {} is used", "文件没有聊天模板；使用 {}"},
    Entry{Text::no_answer_yet, "no answer yet", "还没有回答"},
    Entry{Text::stats_last, "last answer: {}", "上次回答：{}"},
    Entry{Text::stats_all,
          "all {} answers: prompt {} tok ({} kept), {:.0f} tok/s | text {} tok ({} thinking), {:.1f} tok/s",
          "全部 {} 次回答：提示 {} 词元（{} 复用），{:.0f} 词元/秒 | 生成 {} 词元（{} 思考），{:.1f} 词元/秒"},
    Entry{Text::context_use, "{} of {} tokens in use ({:.0f} %)", "已用 {} / {} 词元（{:.0f} %）"},
    Entry{Text::context_messages, "{} messages, {} tokens as the next prompt begins",
          "{} 条消息，下次提示开头共 {} 词元"},
    Entry{Text::reading, "reading the prompt", "正在读取提示"},
    Entry{Text::search_label, "search", "搜索"},
    Entry{Text::too_long, "(a message may have 1 MiB at most: the rest is left out; /read takes files)",
          "（消息最长 1 MiB：超出部分已略去；可用 /read 读取文件）"},
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < kEntries.size(); ++i) {
        if (static_cast<std::size_t>(kEntries[i].text) != i) return false;
    }
    return kEntries.size() == static_cast<std::size_t>(Text::count);
}
static_assert(in_order(), "one entry a message, in the order of the names");

}  // namespace

Language language_of(std::string_view locale) {
    return locale.substr(0, 2) == "zh" ? Language::chinese : Language::english;
}

std::string_view text_of(Text text, Language language) {
    const Entry& entry = kEntries[static_cast<std::size_t>(text)];
    return language == Language::chinese ? entry.chinese : entry.english;
}

}  // namespace distill
