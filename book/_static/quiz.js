// A quiz keeps score: of each question the first answer that is opened counts. Without this script
// answers open and explain themselves all the same.
addEventListener("DOMContentLoaded", () => {
  const questions = [...document.querySelectorAll(".bd-article #quiz > section")];
  if (!questions.length) return;
  const first = new Map();  // question -> whether its first answer was right
  const score = document.createElement("p"), said = document.createElement("span");
  const again = document.createElement("button");
  score.className = "quiz-score";
  said.setAttribute("role", "status");
  again.type = "button";
  again.textContent = "Start over";
  score.append(said, again);
  questions.at(-1).after(score);

  function tell() {
    const right = [...first.values()].filter(Boolean).length, all = questions.length;
    const tries = "the first answer opened counts";
    said.textContent = !first.size ? `Score: nothing answered yet; ${tries}.`
      : first.size < all ? `Score: ${right} right of ${first.size} answered; ${tries}.`
      : `Score: ${right} of ${all} right at the first try.`;
    again.hidden = !first.size;
  }

  for (const question of questions) {
    for (const answer of question.querySelectorAll("details")) {
      // a click is also what Enter and the space bar are; printing opens answers without one
      answer.querySelector("summary").addEventListener("click", () => {
        if (first.has(question)) return;
        first.set(question, /^Right\./.test(answer.querySelector("strong")?.textContent));
        tell();
      });
    }
  }
  again.addEventListener("click", () => {
    first.clear();
    for (const answer of document.querySelectorAll(".bd-article #quiz details")) answer.open = false;
    tell();
    questions[0].querySelector("summary").focus();
  });
  tell();
});
