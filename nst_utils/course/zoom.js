// A click on a picture of the notebook shows it as large as the window; a click or Escape brings the notebook back.
(function () {
  if (window.nstZooms) return;
  window.nstZooms = true;
  const pictures = ".jp-Cell img, .cell img, .output img, .output_area img";
  const hint = document.createElement("style");
  hint.textContent = ".jp-Cell img, .cell img { cursor: zoom-in; }";
  document.head.appendChild(hint);

  document.addEventListener("click", function (event) {
    const clicked = event.target.closest ? event.target.closest(pictures) : null;
    if (!clicked || clicked.closest("a")) return;
    const large = document.createElement("img");
    large.src = clicked.src;
    large.alt = clicked.alt;
    large.style.cssText = "width: 96vw; height: 96vh; object-fit: contain;";
    const page = document.createElement("div");
    page.style.cssText =
      "position: fixed; inset: 0; z-index: 100000; display: flex; align-items: center; justify-content: center;" +
      "background: white; cursor: zoom-out;";
    page.appendChild(large);

    function close() {
      page.remove();
      document.removeEventListener("keydown", onKey, true);
    }
    function onKey(event) {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    }
    page.addEventListener("click", close);
    document.addEventListener("keydown", onKey, true);
    document.body.appendChild(page);
  });
})();
