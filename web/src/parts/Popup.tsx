/** A dialog over the page. */
import { Dialog } from "@base-ui/react/dialog";
import type { ReactNode } from "react";

type Props = { title: string; isOpen: boolean; onOpen: (isOpen: boolean) => void; children: ReactNode };

export function Popup({ title, isOpen, onOpen, children }: Props) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={(next) => onOpen(next)}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/40" />
        <Dialog.Popup className="card fixed top-1/2 left-1/2 z-50 max-h-[90vh] w-[32rem] max-w-[94vw] -translate-x-1/2 -translate-y-1/2 overflow-auto p-5 shadow-xl">
          <div className="mb-3 flex items-start gap-3">
            <Dialog.Title className="text-base font-semibold">{title}</Dialog.Title>
            <Dialog.Close className="button ml-auto h-7 w-7 justify-center px-0" aria-label="Close">
              <span aria-hidden="true">✕</span>
            </Dialog.Close>
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
