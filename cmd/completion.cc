// gwtool completion: what a shell needs to complete gwtool's commands and options.
#include "commands.h"
#include "frame/completions.h"

namespace gw::cmd {
namespace {

Command shell_command(std::string name, std::string summary,
                      std::string (*format)(const Command& root)) {
  Command c(std::move(name), std::move(summary));
  c.run = [format](Context& ctx) -> Result<int> {
    ctx.out.write(format(ctx.root));
    return kExitDone;
  };
  return c;
}

}  // namespace

Command completion_command() {
  Command c("completion", "print the completion script of a shell");
  c.doc =
      "Commands, options, the values of those that have a choice, and file names. `cmake "
      "--install` "
      "puts the same scripts where the shells look for them; a binary that came alone prints them.";
  c.add(shell_command("bash", "print the completion of bash", format_bash_completion));
  c.add(shell_command("zsh", "print the completion of zsh", format_zsh_completion));
  c.add(shell_command("fish", "print the completion of fish", format_fish_completion));
  return c;
}

}  // namespace gw::cmd
