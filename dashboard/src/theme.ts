import { Button, createTheme, Drawer, type MantineColorsTuple, Menu, Modal, Tooltip } from "@mantine/core";

// The colours themselves stand in styles/tokens.css, which the strict content security policy asks for: nothing is
// written into a style element at run time. This tuple only tells the library that the name exists.
const accent: MantineColorsTuple = [
  "#ecedfb", "#e2e3f8", "#c3c5f1", "#a3a6e9", "#8588e0", "#6b6ed7", "#4f52c9", "#4346b4", "#393c9b", "#2f3180",
]; // prettier-ignore

export const theme = createTheme({
  primaryColor: "accent",
  colors: { accent },
  primaryShade: 6,
  cursorType: "pointer",
  components: {
    Button: Button.extend({ defaultProps: { size: "xs" } }),
    // Locking the scroll by the library writes a style element; styles/base.css does it instead.
    Modal: Modal.extend({
      defaultProps: { lockScroll: false, transitionProps: { duration: 120 }, overlayProps: { backgroundOpacity: 0.5 } },
    }),
    Drawer: Drawer.extend({ defaultProps: { lockScroll: false, transitionProps: { duration: 120 } } }),
    // A menu begins at its first line: what the library gives the focus to instead is no part of a menu.
    Menu: Menu.extend({ defaultProps: { transitionProps: { duration: 80 }, withInitialFocusPlaceholder: false } }),
    Tooltip: Tooltip.extend({ defaultProps: { events: { hover: true, focus: true, touch: true }, multiline: true, interactive: true } }),
  },
});
