"""The language models, one row each. See parley.engines."""

from parley.engines import EngineSpec, Price

ENGINES = {
    "openai": EngineSpec(
        loads="services.llm.providers.openai:OpenAI",
        settings="services.llm.providers.openai_settings:OpenAISettings",
        vendor=True,
        needs=("openai",),
        price=Price(input_million=0.40, output_million=1.60),
    ),
    "local": EngineSpec(loads="services.llm.providers.local:Local", needs=("onnxruntime", "tokenizers")),
}
