/** The text of the page's files: nothing is read from disk while the server runs. */
import signalsCore from "@preact/signals-core" with { type: "text" };
import signals from "@preact/signals" with { type: "text" };
import hooks from "preact/hooks" with { type: "text" };
import preact from "preact" with { type: "text" };
import actions from "../studio/actions.ts" with { type: "text" };
import announce from "../studio/announce.ts" with { type: "text" };
import api from "../studio/api.ts" with { type: "text" };
import banners from "../studio/banners.ts" with { type: "text" };
import clipboard from "../studio/clipboard.ts" with { type: "text" };
import clock from "../studio/clock.ts" with { type: "text" };
import closeup from "../studio/closeup.ts" with { type: "text" };
import closeupView from "../studio/closeup_view.ts" with { type: "text" };
import codePanel from "../studio/code_panel.ts" with { type: "text" };
import codeSamples from "../studio/code_samples.ts" with { type: "text" };
import composer from "../studio/composer.ts" with { type: "text" };
import details from "../studio/details.ts" with { type: "text" };
import dialogs from "../studio/dialogs.ts" with { type: "text" };
import dom from "../studio/dom.ts" with { type: "text" };
import draft from "../studio/draft.ts" with { type: "text" };
import events from "../studio/events.ts" with { type: "text" };
import format from "../studio/format.ts" with { type: "text" };
import keys from "../studio/keys.ts" with { type: "text" };
import lazy from "../studio/lazy.ts" with { type: "text" };
import library from "../studio/library.ts" with { type: "text" };
import libraryLayout from "../studio/library_layout.ts" with { type: "text" };
import libraryRows from "../studio/library_rows.ts" with { type: "text" };
import libraryView from "../studio/library_view.ts" with { type: "text" };
import main from "../studio/main.ts" with { type: "text" };
import modal from "../studio/modal.ts" with { type: "text" };
import picture from "../studio/picture.ts" with { type: "text" };
import pictureQueue from "../studio/picture_queue.ts" with { type: "text" };
import referenceField from "../studio/reference_field.ts" with { type: "text" };
import records from "../studio/records.ts" with { type: "text" };
import references from "../studio/references.ts" with { type: "text" };
import runSlots from "../studio/run_slots.ts" with { type: "text" };
import runView from "../studio/run_view.ts" with { type: "text" };
import runs from "../studio/runs.ts" with { type: "text" };
import server from "../studio/server.ts" with { type: "text" };
import settingsFields from "../studio/settings_fields.ts" with { type: "text" };
import sizes from "../studio/sizes.ts" with { type: "text" };
import storage from "../studio/storage.ts" with { type: "text" };
import toast from "../studio/toast.ts" with { type: "text" };
import baseStyle from "../studio/base.css" with { type: "text" };
import frameStyle from "../studio/frame.css" with { type: "text" };
import composerStyle from "../studio/composer.css" with { type: "text" };
import runsStyle from "../studio/runs.css" with { type: "text" };
import libraryStyle from "../studio/library.css" with { type: "text" };
import closeupStyle from "../studio/closeup.css" with { type: "text" };
import windowsStyle from "../studio/windows.css" with { type: "text" };
import icon from "../studio/icon.svg" with { type: "text" };
import index from "../studio/index.html" with { type: "text" };

/** What the modules of the page import by name, each after those that it imports itself. */
export const LIBRARIES: Readonly<Record<string, string>> = {
  "preact": preact,
  "preact/hooks": hooks,
  "@preact/signals-core": signalsCore,
  "@preact/signals": signals,
};

/** The modules, by what they call each other. */
export const MODULES: Readonly<Record<string, string>> = {
  "./actions.ts": actions,
  "./announce.ts": announce,
  "./api.ts": api,
  "./banners.ts": banners,
  "./clipboard.ts": clipboard,
  "./clock.ts": clock,
  "./closeup.ts": closeup,
  "./closeup_view.ts": closeupView,
  "./code_panel.ts": codePanel,
  "./code_samples.ts": codeSamples,
  "./composer.ts": composer,
  "./details.ts": details,
  "./dialogs.ts": dialogs,
  "./dom.ts": dom,
  "./draft.ts": draft,
  "./events.ts": events,
  "./format.ts": format,
  "./keys.ts": keys,
  "./lazy.ts": lazy,
  "./library.ts": library,
  "./library_layout.ts": libraryLayout,
  "./library_rows.ts": libraryRows,
  "./library_view.ts": libraryView,
  "./main.ts": main,
  "./modal.ts": modal,
  "./picture.ts": picture,
  "./picture_queue.ts": pictureQueue,
  "./reference_field.ts": referenceField,
  "./records.ts": records,
  "./references.ts": references,
  "./run_slots.ts": runSlots,
  "./run_view.ts": runView,
  "./runs.ts": runs,
  "./server.ts": server,
  "./settings_fields.ts": settingsFields,
  "./sizes.ts": sizes,
  "./storage.ts": storage,
  "./toast.ts": toast,
};

/** The style sheet, in the order in which its parts overrule each other. */
export const STYLE = [
  baseStyle,
  frameStyle,
  composerStyle,
  runsStyle,
  libraryStyle,
  closeupStyle,
  windowsStyle,
].join("");

export const ICON = icon;
export const PAGE = index;
