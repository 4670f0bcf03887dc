// How a supervised service's page looks: one sheet, quiet colours with enough contrast in both
// schemes, one column on a telephone.
#include "supervise/web_page.h"

namespace gw::supervise {
namespace {

constexpr std::string_view kStyle = R"css(:root {
  color-scheme: light dark;
  --back: #f5f6f8; --card: #ffffff; --text: #1b212c; --dim: #566070; --line: #dce0e7;
  --accent: #0b5cad; --on-accent: #ffffff; --good: #14703f; --bad: #a8231b; --warn: #7a5000;
  --good-back: #e2f2e8; --bad-back: #fbe6e4; --warn-back: #fbf0d9; --accent-back: #e3eefa;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #13161b; --card: #1b2028; --text: #e5e8ed; --dim: #9da7b5; --line: #313843;
    --accent: #7db8f2; --on-accent: #0d1622; --good: #78d3a0; --bad: #ff9d94; --warn: #efc06a;
    --good-back: #16301f; --bad-back: #3a1d1b; --warn-back: #33290f; --accent-back: #172c42;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.25rem 1.25rem 2.5rem; display: grid;
  grid-template-columns: minmax(0, 1fr); gap: 1rem; }
header { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; }
h1 { margin: 0; font-size: 1.35rem; line-height: 1.3; overflow-wrap: anywhere; }
nav { margin-left: auto; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
.mood { border-radius: 2rem; padding: .1rem .8rem; font-weight: 600; font-size: .9rem;
  background: var(--accent-back); color: var(--accent); white-space: nowrap; }
.mood.good { background: var(--good-back); color: var(--good); }
.mood.bad { background: var(--bad-back); color: var(--bad); }
.mood.warn { background: var(--warn-back); color: var(--warn); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem 1.15rem; min-width: 0; }
section.bad { background: var(--bad-back); border-color: var(--bad); }
section.warn { background: var(--warn-back); border-color: var(--warn); }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); }
.cards section { display: flex; flex-direction: column; }
.cards .row { margin-top: auto; padding-top: .9rem; }
h2 { margin: 0 0 .5rem; font-size: .95rem; font-weight: 600; color: var(--dim); }
h3 { margin: 0 0 .4rem; font-size: 1rem; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.big { font-size: 1.5rem; line-height: 1.25; font-weight: 650; }
.big small { font-size: 1rem; font-weight: 400; color: var(--dim); white-space: nowrap; }
.dim { color: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); }
.warn { color: var(--warn); }
section.bad, section.warn { color: var(--text); }
.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin-top: .9rem; }
.columns { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend { font-weight: 600; padding: 0; margin-bottom: .2rem; }
.radio { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: baseline; padding: .25rem 0 .25rem 1.65rem;
  position: relative; }
.radio label { overflow-wrap: anywhere; min-width: 0; } .radio .dim { flex: 1 1 9rem; min-width: 0; }
input[type=radio] { accent-color: var(--accent); width: 1.05rem; height: 1.05rem; margin: 0;
  position: absolute; left: 0; top: .5rem; }
button { font: inherit; border-radius: .45rem; padding: .4rem .9rem; min-height: 2.6rem;
  border: 1px solid var(--line); background: var(--card); color: var(--text); cursor: pointer; }
button:hover { border-color: var(--accent); }
button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent);
  font-weight: 600; }
button:focus-visible, input:focus-visible, a:focus-visible, summary:focus-visible {
  outline: 3px solid var(--accent); outline-offset: 2px; }
.field { display: block; }
.field span { display: block; font-size: .9rem; color: var(--dim); }
input[type=text] { font: inherit; padding: .4rem .6rem; min-height: 2.6rem; width: 13rem;
  max-width: 100%; border: 1px solid var(--dim); border-radius: .45rem; background: var(--card);
  color: var(--text); }
::placeholder { color: var(--dim); opacity: 1; }
summary { cursor: pointer; font-weight: 600; }
details > :nth-child(2) { margin-top: .8rem; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1rem 0; }
a { color: var(--accent); text-underline-offset: .15em; }
table { border-collapse: collapse; width: 100%; font-size: .94rem; }
th { text-align: left; color: var(--dim); font-weight: 500; }
th, td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
td.whole { white-space: nowrap; } td.why { min-width: 18rem; }
td.target { overflow-wrap: break-word; }
tr:last-child td { border-bottom: 0; }
@media (max-width: 40rem) {
  main { padding: 1rem .8rem 2rem; }
  nav { margin-left: 0; width: 100%; }
  table, tbody, tr, td { display: block; } tr:first-child { display: none; }
  td { border: 0; padding: .05rem 0; } td.whole { white-space: normal; }
  tr { border-bottom: 1px solid var(--line); padding: .6rem 0; }
  tr:last-child { border-bottom: 0; padding-bottom: 0; }
  dl { grid-template-columns: minmax(0, 1fr) !important; } dd { margin-bottom: .45rem !important; }
  td.why { min-width: 0; } input[type=text] { width: 100%; } .field { flex: 1 1 100%; }
  .row > button, .row > form { flex: 1 1 auto; } .row > form > button { width: 100%; }
}
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1.2rem; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
)css";

}  // namespace

std::string page_style() { return std::string(kStyle); }

}  // namespace gw::supervise
