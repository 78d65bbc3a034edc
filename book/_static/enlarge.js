// A tap on a figure shows it at its own size: on a telephone its small print can be read by moving
// it about. Escape, the button or a tap beside it closes it. Without this script the picture stays
// as it is, and the browser's own zoom works.
addEventListener("DOMContentLoaded", () => {
  const pictures = document.querySelectorAll(
    ".bd-article :is(figure, .cell_output) img:not(a img, form img)");
  if (!pictures.length) return;
  const large = document.createElement("dialog"), room = document.createElement("div");
  const close = document.createElement("button");
  large.className = "enlarged";
  large.setAttribute("aria-label", "Figure, enlarged");
  close.type = "button";
  close.textContent = "Close";
  room.tabIndex = 0;  // so that arrows move the picture
  large.append(close, room);
  document.body.append(large);
  large.addEventListener("click", event => event.target === large && large.close());
  close.addEventListener("click", () => large.close());

  for (const picture of pictures) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "enlarge";
    button.title = "Enlarge";
    picture.replaceWith(button);
    button.append(picture);
    button.addEventListener("click", () => {
      const whole = new Image();
      whole.src = picture.src;
      whole.alt = picture.alt;
      room.replaceChildren(whole);
      large.showModal();
    });
  }
});
