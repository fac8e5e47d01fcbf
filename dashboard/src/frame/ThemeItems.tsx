import { Menu, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconDeviceLaptop, IconMoon, IconSun } from "@tabler/icons-react";

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
      {THEMES.map((theme) => (
        <Menu.Item
          key={theme.value}
          leftSection={<theme.icon size={16} aria-hidden />}
          rightSection={colorScheme === theme.value ? <IconCheck size={14} aria-label="chosen" /> : null}
          onClick={() => setColorScheme(theme.value)}
        >
          {theme.word}
        </Menu.Item>
      ))}
    </>
  );
}
