"""Train a tiny model on CPU with Transformers' Trainer and TRL's SFTTrainer, publish it, evaluate it; tells the run.

python train.py HOME FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset as Rows
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    DataCollatorForLanguageModeling,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)
from trl import SFTConfig, SFTTrainer

import tracelm
from tracelm.integrations.transformers import TrainingRun

HOME, FOLDER = Path(sys.argv[1]), Path(sys.argv[2])
SAID = ("the", "order", "was", "sent", "on", "monday", "tuesday", "and", "paid", "back", "after", "three", "days")
WORDS = ["<pad>", "<eos>", *SAID]
TEXTS = [f"the order was sent on {day} and paid back after three days" for day in ("monday", "tuesday")] * 20


def tokenizer() -> Any:
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<pad>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<eos>")


def model() -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, eos_token_id=1, bos_token_id=1,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def settings(name: str, **more: Any) -> dict[str, Any]:
    return {
        "output_dir": str(FOLDER / name), "max_steps": 20, "logging_steps": 1, "eval_strategy": "steps",
        "eval_steps": 10, "save_steps": 10, "per_device_train_batch_size": 4, "report_to": [], "use_cpu": True,
        "learning_rate": 1e-2, "disable_tqdm": True, "include_num_input_tokens_seen": True, **more,
    }  # fmt: skip


class Breaks(TrainingRun):
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 12:
            raise RuntimeError("out of memory")


def main() -> None:
    tracelm.init("training", home=HOME)
    data = tracelm.Dataset(name="orders", rows=[{"id": str(n), "text": text} for n, text in enumerate(TEXTS)]).publish()
    words = tokenizer()
    rows = Rows.from_list([dict(words(row["text"])) for row in data.rows])
    collator = DataCollatorForLanguageModeling(words, mlm=False)

    def trainer(run: TrainingRun, name: str, **more: Any) -> Trainer:
        return Trainer(
            model=model(), args=TrainingArguments(**settings(name, **more)), train_dataset=rows, eval_dataset=rows,
            data_collator=collator, processing_class=words, callbacks=[run],
        )  # fmt: skip

    run = TrainingRun(model="orders-model", dataset=data)
    plain = trainer(run, "plain")
    with run:
        plain.train()
    plain.save_model(str(FOLDER / "saved"))
    version = run.publish(FOLDER / "saved", aliases=["candidate"])

    broken = Breaks(model="orders-model", dataset=data, name="broken")
    try:
        with broken:
            trainer(broken, "broken").train()
    except RuntimeError as error:
        print(error, file=sys.stderr)
    resumed = Breaks(model="orders-model", dataset=data, name="resumed")
    resumed.on_step_end = lambda *args, **kwargs: None  # type: ignore[method-assign]
    with resumed:
        trainer(resumed, "broken").train(resume_from_checkpoint=True)

    tuned = TrainingRun(model="orders-sft", dataset=data, name="sft")
    sft = SFTTrainer(
        model=model(),
        args=SFTConfig(**settings("sft", max_length=32)),
        processing_class=words,
        callbacks=[tuned],
        train_dataset=Rows.from_list([{"text": text} for text in TEXTS]),
        eval_dataset=Rows.from_list([{"text": text} for text in TEXTS]),
    )
    with tuned:
        sft.train()

    loaded = AutoModelForCausalLM.from_pretrained(str(FOLDER / "saved"))

    def next_word(text: str) -> str:
        given = torch.tensor([words(text)["input_ids"][:5]])
        return WORDS[int(loaded(given).logits[0, -1].argmax())]

    def is_a_day(output: str) -> bool:
        return output in {"monday", "tuesday"}

    held = tracelm.Dataset(name="held-out", rows=[{"text": TEXTS[0]}])
    done = tracelm.Evaluation(dataset=held, scorers=[is_a_day]).run(next_word, model=version, progress=False)
    tracelm.flush()
    print(
        json.dumps(
            {"run_id": done.run_id, "mean": float(done.summary.loc["is_a_day", "mean"]), "version": version.version}
        )
    )


main()
