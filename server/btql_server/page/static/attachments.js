// Files that a row refers to: shown where they are pictures, saved otherwise. They come from this server alone.

import { getJson, request } from "./api.js";
import { button, h, saveFile, say } from "./dom.js";

const PICTURE = /^image\/(png|jpeg|gif|webp|avif)$/;

/** Whether a value stands for a file that was uploaded to the server. */
export const isAttachment = (value) => value?.type === "braintrust_attachment" && typeof value.key === "string";

/** Return what a value says of a file, with a way to it. */
export function attachment(value) {
  const name = String(value.filename ?? value.key);
  const media = String(value.content_type ?? "");
  const place = h("div", { class: "attachment-body" });
  const show = async () => {
    const file = await fetched(value, place);
    if (file === null) return;
    const picture = h("img", {
      class: "picture",
      alt: name,
      src: URL.createObjectURL(new Blob([file], { type: media })),
    });
    place.replaceChildren(picture);
    picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
  };
  const save = async () => {
    const file = await fetched(value, place);
    if (file === null) return;
    saveFile(name, [file], media);
    say("Downloaded");
  };
  return h(
    "div",
    { class: "attachment" },
    h("span", { class: "part-name" }, "file"),
    h("code", null, name),
    h("span", { class: "dim" }, ` ${media} `),
    PICTURE.test(media) ? button("Show", show, { class: "quiet small" }) : null,
    button("Download", save, { class: "quiet small" }),
    place,
  );
}

/** Return the bytes of a file; null where there are none, which is said in its place. */
async function fetched(value, place) {
  try {
    const named = { key: value.key, filename: value.filename ?? "", content_type: value.content_type ?? "" };
    const { downloadUrl } = await getJson(`attachment?${new URLSearchParams(named)}`);
    // The address is the one that programs use; the page may be reached by another name.
    const { pathname, search } = new URL(downloadUrl);
    return await (await request(pathname + search)).blob();
  } catch (error) {
    place.replaceChildren(h("span", { class: "bad" }, error.message));
    return null;
  }
}
