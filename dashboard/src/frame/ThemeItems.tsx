import { Menu, useMantineColorScheme } from "@mantine/core";
import { IconDeviceLaptop, IconMoon, IconSun } from "@tabler/icons-react";
import styles from "./TopBar.module.css";

const THEMES = [
  { value: "light", word: "Light", icon: IconSun },
  { value: "dark", word: "Dark", icon: IconMoon },
  { value: "auto", word: "As the system", icon: IconDeviceLaptop },
] as const;

/** The choice of theme in a menu. */
export function ThemeItems() {
  // Without `keepTransitions` the library writes a style element, which the content security policy refuses.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  return (
    <>
      <Menu.Label>Theme</Menu.Label>
      <Menu.RadioGroup value={colorScheme} onChange={(value) => setColorScheme(THEMES.find((theme) => theme.value === value)?.value ?? "auto")}>
        {THEMES.map((theme) => (
          <Menu.RadioItem key={theme.value} value={theme.value} closeMenuOnClick>
            <span className={styles.theme}>
              <theme.icon size={16} aria-hidden />
              {theme.word}
            </span>
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </>
  );
}
