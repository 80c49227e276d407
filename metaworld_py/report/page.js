"use strict";
// Tables: a click on a heading sorts by its column; a second one the other way round. Rows without a value stay last.
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement, row = heading.parentElement, body = row.closest("table").tBodies[0];
    const column = [...row.children].indexOf(heading), isText = heading.dataset.kind === "text";
    const first = isText ? "ascending" : "descending", second = isText ? "descending" : "ascending";
    const order = heading.getAttribute("aria-sort") === first ? second : first;
    for (const other of row.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const value = (line) => line.children[column].dataset.value;
    const compare = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      return sign * (isText ? a.localeCompare(b) : a - b);
    };
    body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b))));
  });
}
// Curves: rewards, or their sum so far.
for (const choice of document.querySelectorAll(".switch input")) {
  choice.addEventListener("change", () => { document.getElementById("tasks").dataset.curve = choice.value; });
}
// Films: a strip of pictures behind a window; the slider moves it, a click plays it once.
for (const film of document.querySelectorAll(".film")) {
  const screen = film.querySelector(".screen"), slider = film.querySelector("input"), steps = film.dataset.steps.split(" ");
  let timer = 0;
  const show = (index) => {
    slider.value = index;
    slider.setAttribute("aria-valuetext", `step ${steps[index]}`);
    screen.style.backgroundPositionX = `${steps.length > 1 ? (100 * index) / (steps.length - 1) : 0}%`;
    film.querySelector(".at").textContent = steps[index];
  };
  const stop = () => { clearInterval(timer); timer = 0; screen.classList.remove("playing"); };
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  screen.addEventListener("click", () => {
    if (timer) { stop(); return; }
    let index = 0;
    show(index);
    screen.classList.add("playing");
    timer = setInterval(() => { index += 1; show(index); if (index >= steps.length - 1) stop(); }, 250);
  });
}
for (const button of document.querySelectorAll(".copy")) {
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {  // pages opened as files may not write to the clipboard
      getSelection().selectAllChildren(button.parentElement.querySelector("pre"));
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
