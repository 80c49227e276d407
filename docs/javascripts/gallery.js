// The filters of the gallery. The choice stands in the address, so that it can be linked to.
(() => {
  const form = document.getElementById("mw-filters");
  if (!form) return;
  const selects = [...form.querySelectorAll("select")];
  const cards = [...document.querySelectorAll("#mw-gallery .mw-card")];
  const output = form.querySelector("output");

  const show = () => {
    const wanted = selects.filter((select) => select.value);
    let shown = 0;
    for (const card of cards) {
      card.hidden = !wanted.every((select) => card.dataset[select.dataset.filter].split(" ").includes(select.value));
      shown += card.hidden ? 0 : 1;
    }
    output.textContent = `${shown} of ${cards.length}`;
    const choice = new URLSearchParams(wanted.map((select) => [select.dataset.filter, select.value])).toString();
    history.replaceState(null, "", choice ? `#${choice}` : location.pathname + location.search);
  };

  const chosen = new URLSearchParams(location.hash.slice(1));
  for (const select of selects) {
    const value = chosen.get(select.dataset.filter);
    if ([...select.options].some((option) => option.value === value)) select.value = value;
  }
  form.addEventListener("change", show);
  form.addEventListener("reset", () => setTimeout(show));
  show();
})();
