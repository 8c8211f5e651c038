/** Inner markup of the 16 px icons. All are ours and static, so that Icon may insert them as markup. */
export const icons = {
  link: '<path d="M6.7 9.3a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.3 6.7a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8"/>',
  down: '<path d="m4.2 6.3 3.8 3.9 3.8-3.9"/>',
  up: '<path d="m4.2 9.7 3.8-3.9 3.8 3.9"/>',
  left: '<path d="M9.7 4.2 5.8 8l3.9 3.8"/>',
  right: '<path d="m6.3 4.2 3.9 3.8-3.9 3.8"/>',
  width: '<path d="M2.5 8h11M5 5.5 2.5 8 5 10.5M11 5.5 13.5 8 11 10.5"/>',
  more: '<path d="M3.5 8h.01M8 8h.01M12.5 8h.01" stroke-width="2.2"/>',
  bin: '<path d="M3 4.5h10M6.3 4.5V3h3.4v1.5M4.3 4.5l.6 8.5h6.2l.6-8.5"/>',
  settings:
    '<circle cx="8" cy="8" r="2"/><path d="M8 1.9v1.7M8 12.4v1.7M1.9 8h1.7M12.4 8h1.7M3.7 3.7l1.2 1.2M11.1 11.1l1.2 1.2M3.7 12.3l1.2-1.2M11.1 4.9l1.2-1.2"/><circle cx="8" cy="8" r="4.4"/>',
  play: '<path d="M5 3.2v9.6l7.6-4.8z"/>',
  stop: '<rect x="4" y="4" width="8" height="8" rx="1"/>',
  search: '<circle cx="7" cy="7" r="4.2"/><path d="m10.2 10.2 3.1 3.1"/>',
  sun: '<circle cx="8" cy="8" r="2.7"/><path d="M8 1.6v1.3M8 13.1v1.3M1.6 8h1.3M13.1 8h1.3M3.5 3.5l.9.9M11.6 11.6l.9.9M3.5 12.5l.9-.9M11.6 4.4l.9-.9"/>',
  moon: '<path d="M12.9 9.6A5.4 5.4 0 0 1 6.4 3.1a5.4 5.4 0 1 0 6.5 6.5z"/>',
  close: '<path d="m4 4 8 8M12 4l-8 8"/>',
  code: '<path d="m5.5 4.5-3.5 3.5 3.5 3.5M10.5 4.5 14 8l-3.5 3.5"/>',
  book: '<path d="M3.5 2.5h8c.6 0 1 .4 1 1v10H4.8a1.3 1.3 0 0 1-1.3-1.3zM3.5 12.2c0-.8.6-1.3 1.3-1.3h7.7"/>',
  lock: '<rect x="3.5" y="7" width="9" height="6.5" rx="1.3"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>',
  branch: '<path d="M4 2.5v11M4 6.5c0 2.5 8 1.5 8 4.5v2.5"/>',
  check: '<path d="m3.2 8.4 3.1 3.1 6.5-7"/>',
  plus: '<path d="M8 3.2v9.6M3.2 8h9.6"/>',
  file: '<path d="M4 2.5h5l3 3v8H4zM9 2.5v3h3"/>',
  folder: '<path d="M2 4.5c0-.7.5-1.2 1.2-1.2h2.7l1.5 1.7h5.4c.7 0 1.2.5 1.2 1.2v5.3c0 .7-.5 1.2-1.2 1.2H3.2c-.7 0-1.2-.5-1.2-1.2z"/>',
  offline:
    '<path d="M2 2l12 12M5 8.5a4.6 4.6 0 0 1 1.5-.8M2.8 6.2a8 8 0 0 1 2-1.3M8 4a8 8 0 0 1 5.2 2.2M9.6 7.7c.6.2 1 .5 1.4.8M8 11.5h.01"/>',
  eye: '<path d="M1.7 8S4 3.7 8 3.7 14.3 8 14.3 8 12 12.3 8 12.3 1.7 8 1.7 8z"/><circle cx="8" cy="8" r="1.9"/>',
  copy: '<rect x="5.5" y="5.5" width="8" height="8" rx="1.4"/><path d="M10.5 5.5V3.9c0-.8-.6-1.4-1.4-1.4H3.9c-.8 0-1.4.6-1.4 1.4v5.2c0 .8.6 1.4 1.4 1.4h1.6"/>',
  warning: '<path d="M8 2.6 14 13H2zM8 6.5v3M8 11.3h.01"/>',
  info: '<circle cx="8" cy="8" r="5.7"/><path d="M8 7.3v3.4M8 5.2h.01"/>',
  download: '<path d="M8 2.5v7.3M5 7l3 3 3-3M3 13h10"/>',
  upload: '<path d="M8 10.2V2.9M5 5.7l3-3 3 3M3 13h10"/>',
  outline: '<path d="M2.5 3.5h2M2.5 8h2M2.5 12.5h2M7 3.5h6.5M7 8h6.5M7 12.5h6.5"/>',
  text: '<path d="M2.5 11.5v-7L5.5 8l3-3.5v7M11.8 4.5v6.8M10 9.3l1.8 2 1.8-2"/>',
  again: '<path d="M13.2 6.2A5.4 5.4 0 0 0 3.5 5M3.3 2.5V5h2.5M2.8 9.8A5.4 5.4 0 0 0 12.5 11M12.7 13.5V11h-2.5"/>',
  keyboard:
    '<rect x="1.5" y="4" width="13" height="8.3" rx="1.4"/><path d="M4.2 6.7h.01M6.7 6.7h.01M9.3 6.7h.01M11.8 6.7h.01M5.3 9.7h5.4"/>',
  key: '<circle cx="5.3" cy="10.7" r="2.9"/><path d="m7.4 8.6 5.7-5.7M10.5 5.5l2 2"/>',
  person: '<circle cx="8" cy="5.3" r="2.5"/><path d="M3 13.5c.4-2.8 2.3-4.2 5-4.2s4.6 1.4 5 4.2"/>',
  people:
    '<circle cx="6" cy="5.3" r="2.4"/><path d="M1.7 13.2c.3-2.6 2-4 4.3-4s4 1.4 4.3 4M10.3 3.2a2.4 2.4 0 0 1 0 4.3M12 9.7c1.4.6 2.2 1.8 2.4 3.5"/>',
  chip: '<rect x="4" y="4" width="8" height="8" rx="1.2"/><path d="M6.5 1.8V4M9.5 1.8V4M6.5 12v2.2M9.5 12v2.2M1.8 6.5H4M1.8 9.5H4M12 6.5h2.2M12 9.5h2.2"/>',
  edit: '<path d="M3 13l.7-2.9 6.9-6.9a1.5 1.5 0 0 1 2.2 2.2l-6.9 6.9z"/>',
} as const;

export type IconName = keyof typeof icons;
