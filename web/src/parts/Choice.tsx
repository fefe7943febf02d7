/** One of a few: a select. */
import { Select } from "@base-ui/react/select";

type Props = {
  label: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
  title?: string | undefined;
};

/** A select with its label for those who do not see it. */
export function Choice({ label, value, options, onChange, title }: Props) {
  return (
    <Select.Root
      items={options.map(([each, words]) => ({ value: each, label: words }))}
      value={value}
      onValueChange={(chosen) => onChange(chosen ?? "")}
    >
      <Select.Trigger
        className="button max-w-56"
        aria-label={label}
        title={title ?? label}
        onKeyDown={(event) => {
          // A letter belongs to the page's keys: on a closed list it would choose what begins so, unseen.
          if (event.key.length === 1 && event.key !== " ") event.preventBaseUIHandler();
        }}
      >
        <Select.Value className="overflow-hidden text-ellipsis" />
        <Select.Icon className="text-faint">▾</Select.Icon>
      </Select.Trigger>
      <Select.Portal>
        <Select.Positioner className="z-50" sideOffset={4} alignItemWithTrigger={false}>
          <Select.Popup className="card max-h-96 min-w-40 overflow-auto p-1 shadow-lg">
            {options.map(([each, words]) => (
              <Select.Item
                key={each}
                value={each}
                className="flex cursor-pointer items-center justify-between gap-4 rounded px-2 py-1 outline-none data-highlighted:bg-hover data-selected:text-accent"
              >
                <Select.ItemText>{words}</Select.ItemText>
                <Select.ItemIndicator>✓</Select.ItemIndicator>
              </Select.Item>
            ))}
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  );
}
