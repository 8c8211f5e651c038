import { HighlightStyle } from "@codemirror/language";
import { tags as t } from "@lezer/highlight";
import "./editor.css";

/** Classes of the code colours, the same in editors and in static code. Names without a class have the colour of the text around them. */
export const codeColors = HighlightStyle.define([
  { tag: [t.keyword, t.modifier, t.bool, t.null, t.self, t.atom, t.tagName], class: "k" },
  { tag: t.controlKeyword, class: "kc" },
  { tag: [t.typeName, t.className, t.namespace, t.standard(t.typeName)], class: "ty" },
  { tag: [t.function(t.variableName), t.function(t.propertyName), t.macroName], class: "fn" },
  { tag: [t.string, t.special(t.string), t.character, t.regexp, t.attributeValue, t.docString], class: "str" },
  { tag: [t.number, t.escape, t.literal, t.unit], class: "nu" },
  { tag: t.comment, class: "cm" },
  { tag: [t.punctuation, t.operator, t.bracket, t.separator, t.processingInstruction], class: "pu" },
  { tag: [t.variableName, t.definition(t.variableName)], class: "va" },
  { tag: [t.meta, t.annotation, t.documentMeta, t.labelName], class: "dr" },
  { tag: t.heading, class: "code-heading" },
  { tag: t.strong, class: "code-strong" },
  { tag: t.emphasis, class: "code-emphasis" },
  { tag: t.strikethrough, class: "code-strike" },
  { tag: [t.link, t.url], class: "code-link" },
  { tag: t.monospace, class: "str" },
  { tag: t.invalid, class: "code-invalid" },
]);
